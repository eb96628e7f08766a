/* Where the shell's modules are in sysfs, for the program and the preloaded library (C). */
#ifndef NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_
#define NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_

/* The module that has buses of its own, which go and come with it: the tree takes "0" or "1" there.
 */
#define NVDIMMFS_BUS_MODULE "nfit_test"
#define NVDIMMFS_LOADED "/sys/bus/nd/x/loaded"

/* Its directory, and what that is called while the module is not loaded. */
#define NVDIMMFS_MODULES "/sys/module/"
#define NVDIMMFS_BUS_MODULE_LOADED NVDIMMFS_MODULES NVDIMMFS_BUS_MODULE
#define NVDIMMFS_BUS_MODULE_UNLOADED NVDIMMFS_MODULES "." NVDIMMFS_BUS_MODULE

#endif /* NVDIMMFS_TOOLS_SHELL_MODULE_PLACES_H_ */
