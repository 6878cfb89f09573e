# SPDX-License-Identifier: Apache-2.0
# The sample configuration, with the record that it points to.
nobase_dist_pkgdata_DATA += conf/iptfhir.yaml
