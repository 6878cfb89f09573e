# SPDX-License-Identifier: Apache-2.0
# Inputs that must not hurt: without a server.
input_tests = %D%/unknown-fields.sh %D%/special-files.sh %D%/yaml-bomb.sh %D%/stopping.sh %D%/table.sh
scenario_tests += $(input_tests)
EXTRA_DIST += $(input_tests) %D%/lib.sh
