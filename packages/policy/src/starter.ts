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

# Data in what is sent to models and in their answers.
dlp:
  # What was found and no rule below is about.
  default: allow
  # Bodies that nobody can read: too long, or in a coding that is not known.
  on_unscannable: alert
  # In answers the device puts back what it took out of questions, so that files which an AI agent writes stay whole.
  reversible: true

  rules:
    # Recognisers of names guess. Change allow to alert to see what they find; it costs time in every call.
    - id: guessed-names
      effect: allow
      detectors: ['entity-*']

    # Only on the way out: an answer is full of example keys.
    - id: no-credentials-to-models
      effect: redact
      direction: out
      classes: [credential]
      reason: Keys and passwords do not belong in prompts.

    - id: no-payment-data-to-models
      effect: redact
      direction: out
      classes: [payment, national-id]
      reason: Payment data and national ids do not belong in prompts.

    - id: personal-data
      effect: alert
      direction: out
      classes: [contact, person, health, wallet, unknown-secret]

# What AI agents may spend on models, in dollars.
# financial:
#   limits:
#     - id: agent-day
#       effect: prompt
#       amount: 25
#       per: day
#       scope: agent
#       warn_at: 0.8

# A cheaper model once four fifths of that are spent.
# routing:
#   downgrade:
#     - id: save-at-the-end
#       models: ['gpt-5', 'gpt-5-pro']
#       budget: { limit: agent-day, above: 0.8 }
#       to: { model: gpt-5-mini }
#       reason: The day's budget is nearly used.
`;
