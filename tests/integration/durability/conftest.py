"""What these tests share lies beside them as plain modules: the folder is no package that is installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
