// SPDX-License-Identifier: Apache-2.0
// Passphrases from the kernel's keyrings, as ndctl puts them there: `encrypted` keys of 32 bytes in
// the user's keyring.
//
// The kernel does not reveal the secret of such a key; what can be read is the key wrapped by its
// master key (Linux, Documentation/security/keys/trusted-encrypted.rst). A wrapped key is the same
// text wherever it is loaded, so its SHA-256 serves as the passphrase here. A key that was wrapped
// again under another master key is therefore a different passphrase.
//
// Thread rules: any thread. For the duration of a call, a thread possesses the user's keyring
// through a link in its own thread keyring.
#ifndef NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_
#define NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_

#include <memory>

#include "core/intel/key_ring.h"

namespace nvdimmfs::backends {

// The keyring of the user who runs the program (in this user namespace).
std::shared_ptr<core::intel::KeyRing> KernelKeyRing();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_KERNEL_KEY_RING_H_
