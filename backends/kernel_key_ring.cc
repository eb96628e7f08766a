// SPDX-License-Identifier: Apache-2.0
#include "backends/kernel_key_ring.h"

#include <keyutils.h>
#include <nettle/sha2.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace nvdimmfs::backends {
namespace {

using core::intel::Passphrase;

constexpr char kEncrypted[] = "encrypted";
static_assert(SHA256_DIGEST_SIZE == core::intel::kPassphraseSize);

absl::Status NoKey(absl::string_view which, absl::string_view why) {
  return core::Refusal(ENOKEY, "security.key", absl::StrCat(which, ": ", why));
}

absl::Status NoKey(absl::string_view which) { return NoKey(which, strerror(errno)); }

// Only a thread that possesses the user's keyring can read its keys. While this object lives, the
// calling thread does.
class Possession {
 public:
  Possession() : linked_(keyctl_link(KEY_SPEC_USER_KEYRING, KEY_SPEC_THREAD_KEYRING) == 0) {}
  ~Possession() {
    if (linked_) keyctl_unlink(KEY_SPEC_USER_KEYRING, KEY_SPEC_THREAD_KEYRING);
  }
  Possession(const Possession&) = delete;
  Possession& operator=(const Possession&) = delete;

 private:
  const bool linked_;
};

absl::StatusOr<std::string> Describe(key_serial_t key, absl::string_view which) {
  char* text = nullptr;
  if (keyctl_describe_alloc(key, &text) < 0) return NoKey(which);
  std::string description = text;
  free(text);
  return description;
}

absl::StatusOr<std::string> Content(key_serial_t key, absl::string_view which) {
  void* bytes = nullptr;
  const int length = keyctl_read_alloc(key, &bytes);
  if (length < 0) return NoKey(which);
  std::string content(static_cast<const char*>(bytes), static_cast<size_t>(length));
  free(bytes);
  return content;
}

// The passphrase of a key that this thread may read.
absl::StatusOr<Passphrase> PassphraseOf(key_serial_t key, absl::string_view which) {
  ASSIGN_OR_RETURN(const std::string description, Describe(key, which));
  if (!absl::StartsWith(description, absl::StrCat(kEncrypted, ";")))
    return NoKey(which, "is not a key of type encrypted");
  ASSIGN_OR_RETURN(const std::string wrapped, Content(key, which));
  // "FORMAT MASTER-KEY LENGTH HEX"
  const std::vector<absl::string_view> parts = absl::StrSplit(wrapped, ' ');
  if (parts.size() != 4 || parts[2] != absl::StrCat(core::intel::kPassphraseSize))
    return NoKey(which, "is not an encrypted key of 32 bytes");
  Passphrase passphrase;
  sha256_ctx hash;
  sha256_init(&hash);
  sha256_update(&hash, wrapped.size(), reinterpret_cast<const uint8_t*>(wrapped.data()));
  sha256_digest(&hash, passphrase.size(), reinterpret_cast<uint8_t*>(passphrase.data()));
  return passphrase;
}

class UserKeyRing final : public core::intel::KeyRing {
 public:
  absl::StatusOr<Passphrase> Read(uint32_t serial) override {
    const Possession possession;
    return PassphraseOf(static_cast<key_serial_t>(serial), absl::StrCat("key ", serial));
  }

  absl::StatusOr<Passphrase> Find(const std::string& description) override {
    const Possession possession;
    const std::string which = absl::StrCat("key \"", description, "\" in the user's keyring");
    const long key = keyctl_search(KEY_SPEC_USER_KEYRING, kEncrypted, description.c_str(), 0);
    if (key < 0) return NoKey(which);
    return PassphraseOf(static_cast<key_serial_t>(key), which);
  }
};

}  // namespace

std::shared_ptr<core::intel::KeyRing> KernelKeyRing() { return std::make_shared<UserKeyRing>(); }

}  // namespace nvdimmfs::backends
