"""TimeRefine Desktop: type what you remember, get the moment in your own footage, refined step by step."""

import os

# ONNX Runtime 1.29 and newer report each model and session to their maker, unless this is set before they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
