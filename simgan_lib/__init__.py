"""SimGAN in Keras 3: make simulated images realistic, and keep their labels."""

import os

# TensorFlow reads this when it is first imported; its start-up chatter drowns a notebook's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
