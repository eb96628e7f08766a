// SPDX-License-Identifier: Apache-2.0
#include "core/labels/claim_class.h"

#include "core/labels/label_format.h"

namespace nvdimmfs::core {

Uuid AbstractionGuid(ClaimClass claim_class) {
  switch (claim_class) {
    case ClaimClass::kBtt:
      return kBttGuid;
    case ClaimClass::kBtt2:
      return kBtt2Guid;
    case ClaimClass::kPfn:
      return kPfnGuid;
    case ClaimClass::kDax:
      return kDaxGuid;
    case ClaimClass::kNone:
    case ClaimClass::kUnknown:
      return Uuid();
  }
  return Uuid();
}

ClaimClass ClaimClassOf(const Uuid& abstraction_guid) {
  if (abstraction_guid.is_nil()) return ClaimClass::kNone;
  for (ClaimClass known :
       {ClaimClass::kBtt, ClaimClass::kBtt2, ClaimClass::kPfn, ClaimClass::kDax}) {
    if (AbstractionGuid(known) == abstraction_guid) return known;
  }
  return ClaimClass::kUnknown;
}

}  // namespace nvdimmfs::core
