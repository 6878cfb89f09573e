# SPDX-License-Identifier: Apache-2.0
# What shared objects export.
scenario_tests += %D%/exports.sh
EXTRA_DIST += %D%/exports.sh
