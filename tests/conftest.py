"""What all tests share."""

import os

# TensorFlow reads these when it first runs something. Bits are promised at one thread; whichever test ran
# first in this process would otherwise decide.
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
os.environ["TF_NUM_INTEROP_THREADS"] = "1"
