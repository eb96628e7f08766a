// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* as in preload.c, which this is linked into */
#include "tools/shell/command_client.h"

#include <errno.h>
#include <linux/ndctl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What these two return has no layout in the header: status, then what Intel's firmware says. */
enum { SMART_LENGTH = 132, SMART_THRESHOLD_LENGTH = 12 };

static uint32_t word_at(const void* buffer, uint64_t offset) {
  uint32_t word;
  memcpy(&word, (const char*)buffer + offset, sizeof word);
  return word;
}

/* GET_CONFIG_DATA and SET_CONFIG_DATA: offset and length, the bytes and a status. */
static uint64_t transfer_length(const void* buffer, uint64_t have) {
  const size_t head = sizeof(struct nd_cmd_set_config_hdr);
  if (have < head) return head;
  return sizeof(struct nd_cmd_get_config_data_hdr) +
         (uint64_t)word_at(buffer, offsetof(struct nd_cmd_set_config_hdr, in_length));
}

/* VENDOR: a head, its input, a tail, its output. */
static uint64_t vendor_length(const void* buffer, uint64_t have) {
  const size_t head = sizeof(struct nd_cmd_vendor_hdr);
  if (have < head) return head;
  const uint64_t heads = head + sizeof(struct nd_cmd_vendor_tail) +
                         (uint64_t)word_at(buffer, offsetof(struct nd_cmd_vendor_hdr, in_length));
  if (have < heads) return heads;
  return heads + word_at(buffer, heads - 4);
}

static uint64_t call_length(const void* buffer, uint64_t have) {
  const size_t head = offsetof(struct nd_cmd_pkg, nd_payload);
  if (have < head) return head;
  return head + (uint64_t)word_at(buffer, offsetof(struct nd_cmd_pkg, nd_size_in)) +
         word_at(buffer, offsetof(struct nd_cmd_pkg, nd_size_out));
}

static uint64_t dimm_command_length(unsigned nr, const void* buffer, uint64_t have) {
  switch (nr) {
    case ND_CMD_SMART:
      return SMART_LENGTH;
    case ND_CMD_SMART_THRESHOLD:
      return SMART_THRESHOLD_LENGTH;
    case ND_CMD_DIMM_FLAGS:
      return sizeof(struct nd_cmd_dimm_flags);
    case ND_CMD_GET_CONFIG_SIZE:
      return sizeof(struct nd_cmd_get_config_size);
    case ND_CMD_GET_CONFIG_DATA:
    case ND_CMD_SET_CONFIG_DATA:
      return transfer_length(buffer, have);
    case ND_CMD_VENDOR:
      return vendor_length(buffer, have);
  }
  return 0;
}

static uint64_t bus_command_length(unsigned nr, const void* buffer, uint64_t have) {
  const size_t told = offsetof(struct nd_cmd_ars_status, address);
  switch (nr) {
    case ND_CMD_ARS_CAP:
      return sizeof(struct nd_cmd_ars_cap);
    case ND_CMD_ARS_START:
      return sizeof(struct nd_cmd_ars_start);
    case ND_CMD_CLEAR_ERROR:
      return sizeof(struct nd_cmd_clear_error);
    case ND_CMD_ARS_STATUS: {
      const uint64_t length =
          have < told ? 0 : word_at(buffer, offsetof(struct nd_cmd_ars_status, out_length));
      return length < told ? told : length;
    }
  }
  return 0;
}

uint64_t nvdimmfs_command_length(bool dimm, unsigned nr, const void* buffer, uint64_t have) {
  if (nr == ND_CMD_CALL) return call_length(buffer, have);
  return dimm ? dimm_command_length(nr, buffer, have) : bus_command_length(nr, buffer, have);
}

/* Transfers all parts, in as many system calls as needed; less only at the end of the file. Returns
 * the byte count, or the negative errno of a failed call. */
static ssize_t transfer(ssize_t (*call)(int, const struct iovec*, int, off64_t), int file,
                        void* head, size_t head_length, void* body, size_t body_length,
                        uint64_t offset) {
  size_t done = 0;
  while (done < head_length + body_length) {
    const size_t in_head = done < head_length ? head_length - done : 0;
    const size_t in_body = done < head_length ? 0 : done - head_length;
    struct iovec parts[2] = {{(char*)head + (in_head ? done : head_length), in_head},
                             {(char*)body + in_body, body_length - in_body}};
    const ssize_t n = call(file, parts, 2, (off64_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (ssize_t)done;
}

int nvdimmfs_command_run(int file, unsigned nr, bool may_write, void* buffer, uint64_t length) {
  const int before = errno;
  const uint64_t offset = (uint64_t)syscall(SYS_gettid) << NVDIMMFS_COMMAND_SHIFT;
  struct nvdimmfs_command_request request = {
      .magic = NVDIMMFS_COMMAND_MAGIC,
      .nr = nr,
      .may_write = may_write,
      .length = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length,
  };
  struct nvdimmfs_command_reply reply = {0};
  const size_t sent = length > NVDIMMFS_COMMAND_LIMIT ? 0 : (size_t)length;
  ssize_t moved = transfer(pwritev64, file, &request, sizeof request, buffer, sent, offset);
  if (moved >= 0) moved = transfer(preadv64, file, &reply, sizeof reply, buffer, sent, offset);
  errno = before;
  if (moved < 0) return (int)moved;
  return (size_t)moved < sizeof reply ? -EIO : reply.result;
}
