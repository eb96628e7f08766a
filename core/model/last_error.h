// SPDX-License-Identifier: Apache-2.0
// The last error on a device: the content of x/last_error and x/last_error.json.
#ifndef NVDIMMFS_CORE_MODEL_LAST_ERROR_H_
#define NVDIMMFS_CORE_MODEL_LAST_ERROR_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nvdimmfs::core {

struct LastError {
  uint64_t number = 0;   // increases with every error in the process; 0: no error
  int error = 0;         // the errno of a refusal; 0: a note about the device's state
  std::string reason;    // dotted and stable: "namespace.size.align"; "": none
  std::string sentence;  // what was tried, why it was refused, what to do; "": no error

  // Each takes the next number.
  static LastError OfRefusal(const absl::Status& status);
  // The sentence begins with "`what`: ".
  static LastError OfRefusal(absl::string_view what, const absl::Status& status);
  static LastError OfNote(std::string sentence, std::string reason);

  LastError LaterOf(const LastError& other) const { return other.number > number ? other : *this; }

  // "sentence [EINVAL, namespace.size.align]"; only the sentence for a note; "" if there was no
  // error.
  std::string Text() const;
  // {"errno":"EINVAL","reason":"namespace.size.align","sentence":"..."} on one line. A note has
  // "errno":null and may have "reason":null. Just null if there was no error.
  std::string Json() const;
};

}  // namespace nvdimmfs::core

#endif  // NVDIMMFS_CORE_MODEL_LAST_ERROR_H_
