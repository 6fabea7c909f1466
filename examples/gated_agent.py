"""A small AI agent in Python that asks the action gate before each tool runs.

    PYTHONPATH=packages/gate/clients/python python3 examples/gated_agent.py notes.txt

RAYPHER_GATE says where the gate's socket is (`gate.sock` in the data folder of the service).
"""

import json
import os
import sys
import urllib.request

from raypher_gate import GateCallError, GateClient, GateUnavailable, NotCanonical

MAX_STEPS = 10
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "read_file",
            "description": "Reads a text file.",
            "parameters": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            },
        },
    }
]


def ask_model(messages):
    body = {"model": os.environ.get("OPENAI_MODEL", "gpt-4o-mini"), "messages": messages, "tools": TOOLS}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {
            "content-type": "application/json",
            "authorization": "Bearer " + os.environ.get("OPENAI_API_KEY", ""),
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]


def use_tool(gate, call):
    try:
        path = os.path.realpath(json.loads(call["function"]["arguments"])["path"])
        answer = gate.check({"v": 1, "action": "file.read", "target": path}, wait=120)
        if answer["verdict"] != "ALLOW":
            # It tells the model to stop and not to look for another way.
            return answer["message"]
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (GateUnavailable, GateCallError, NotCanonical, OSError) as error:
        # Without an answer of the gate nothing happens.
        return f"It was not done: {error}"


def main():
    messages = [{"role": "user", "content": sys.argv[1] if len(sys.argv) > 1 else "README.md"}]
    with GateClient(os.environ.get("RAYPHER_GATE", "/run/raypher/gate.sock")) as gate:
        for _ in range(MAX_STEPS):
            message = ask_model(messages)
            messages.append(message)
            if not message.get("tool_calls"):
                print(message["content"])
                return
            for call in message["tool_calls"]:
                messages.append(
                    {"role": "tool", "tool_call_id": call["id"], "content": use_tool(gate, call)}
                )


main()
