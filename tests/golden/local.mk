# SPDX-License-Identifier: Apache-2.0
scenario_tests += %D%/examples.sh
EXTRA_DIST += %D%/examples.sh
