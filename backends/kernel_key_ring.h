// SPDX-License-Identifier: Apache-2.0
// Passphrases from the kernel's keyrings, as ndctl puts them there: `encrypted` keys of 32 bytes in
// the user's keyring.
//
// The secret in such a key is the kernel's own; what can be read is the key wrapped by its master
// key (Linux, Documentation/security/keys/trusted-encrypted.rst). A wrapped key is the same text
// wherever it is loaded, so its SHA-256 stands for the passphrase here. A key that was wrapped
// again under another master key is therefore another passphrase.
//
// Thread rules: any thread. A thread gets hold of the user's keyring for the length of a call, by
// a link in its own thread keyring.
#ifndef NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_
#define NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_

#include <memory>

#include "core/intel/key_ring.h"

namespace nvdimmfs::backends {

// The keyring of the user (in this user namespace) who runs the program.
std::shared_ptr<core::intel::KeyRing> KernelKeyRing();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_
