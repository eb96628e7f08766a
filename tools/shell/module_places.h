// SPDX-License-Identifier: Apache-2.0
/* Where the shell's modules are in sysfs, for the program and the preloaded library (C). */
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_

/* The module that has buses of its own, which go and come with it: the tree takes "0" or "1" there.
 */
#define NVDIMMFS_BUS_MODULE "nfit_test"
#define NVDIMMFS_LOADED "/sys/bus/nd/x/loaded"

/* While it is loaded it has a directory, which is a link into the tree. */
#define NVDIMMFS_MODULES "/sys/module/"
#define NVDIMMFS_TREE_MODULES "/dev/.nvdimmfs/tree/module/"

/* Where such a module's file is below /lib/modules/RELEASE, where tests want theirs to come from.
 */
#define NVDIMMFS_MODULE_FOLDER "extra"

#endif /* NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_ */
