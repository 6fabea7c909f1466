/**
 * What a fresh organisation starts with: it records and blocks nothing, so that installing never breaks a
 * machine. Going to enforce is a step somebody takes after looking at what would have been blocked.
 */
export const STARTER_POLICY = `# The organisation's policy. It applies to every AI agent on every enrolled device.
apiVersion: raypher/v1

# monitor: record what would have been blocked, block nothing.
# enforce: block it. Look at the recorded verdicts first, then change this word.
mode: monitor

network:
  # What happens to connections that no rule below matches: allow or deny.
  default: allow

  # Tried from top to bottom; the first rule that matches decides.
  rules:
    # Model services most companies have no agreement with. If you have one, remove its host here.
    - id: unapproved-model-services
      effect: deny
      destinations:
        - deepseek.com
        - '*.deepseek.com'
        - moonshot.cn
        - '*.moonshot.cn'
        - moonshot.ai
        - '*.moonshot.ai'
        - bigmodel.cn
        - '*.bigmodel.cn'
        - minimax.chat
        - '*.minimax.chat'
      reason: This model service is not approved for company data.

    # Places where data is dropped anonymously: an AI agent has no business there.
    - id: anonymous-drop-sites
      effect: deny
      destinations:
        - pastebin.com
        - '*.pastebin.com'
        - transfer.sh
        - webhook.site
        - '*.webhook.site'
        - requestbin.com
        - '*.requestbin.com'
        - '*.ngrok.io'
        - '*.ngrok-free.app'
      reason: Company data must not be sent to anonymous drop sites.

    # Addresses from which cloud machines hand out credentials.
    - id: cloud-metadata
      effect: deny
      destinations:
        - 169.254.169.254
        - 'fd00:ec2::254'
        - metadata.google.internal
        - metadata.goog
      reason: Cloud metadata services hand out credentials of this machine.

    # Ask a person before an expensive model is used; nobody answering means no.
    # - id: ask-for-large-models
    #   effect: prompt
    #   on_timeout: deny
    #   providers: [openai, anthropic]
    #   models: ['*-pro*', '*opus*']
    #   reason: Large models need a word with your team lead.

    # Only these AI agents may use a local model server.
    # - id: local-models
    #   effect: allow
    #   destinations: [localhost, 127.0.0.1]
    #   agents:
    #     users: [build, 'dev-*']
`;
