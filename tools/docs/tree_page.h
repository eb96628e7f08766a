// SPDX-License-Identifier: Apache-2.0
// Pages that are generated from the tables of attributes and reasons.
#ifndef NVDIMMFS_TOOLS_DOCS_TREE_PAGE_H_
#define NVDIMMFS_TOOLS_DOCS_TREE_PAGE_H_

#include <string>

namespace nvdimmfs::tools {

std::string TreePage();  // nvdimmfs-tree(7), in mdoc

std::string ReasonsPage();  // nvdimmfs-reasons(7), in mdoc

}  // namespace nvdimmfs::tools

#endif  // NVDIMMFS_TOOLS_DOCS_TREE_PAGE_H_
