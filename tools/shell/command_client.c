#define _GNU_SOURCE
#undef _FORTIFY_SOURCE /* as in preload.c, which this is linked into */
#include "tools/shell/command_client.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static uint32_t word_at(const void* buffer, uint64_t offset) {
  uint32_t word;
  memcpy(&word, (const char*)buffer + offset, sizeof word);
  return word;
}

/* SET_CONFIG_DATA and GET_CONFIG_DATA: offset, length, bytes, status. */
static uint64_t transfer_length(const void* buffer, uint64_t have) {
  return have < 8 ? 8 : 12 + (uint64_t)word_at(buffer, 4);
}

/* VENDOR: opcode, length of the input, input, status, length of the output, output. */
static uint64_t vendor_length(const void* buffer, uint64_t have) {
  if (have < 8) return 8;
  const uint64_t heads = 16 + (uint64_t)word_at(buffer, 4);
  if (have < heads) return heads;
  return heads + word_at(buffer, heads - 4);
}

uint64_t nvdimmfs_command_length(bool dimm, unsigned nr, const void* buffer, uint64_t have) {
  if (nr == 10) return have < 64 ? 64 : 64 + (uint64_t)word_at(buffer, 16) + word_at(buffer, 20);
  if (dimm) {
    switch (nr) {
      case 1:
        return 132;
      case 2:
        return 12;
      case 3:
        return 8;
      case 4:
        return 12;
      case 5:
      case 6:
        return transfer_length(buffer, have);
      case 9:
        return vendor_length(buffer, have);
    }
    return 0;
  }
  switch (nr) {
    case 1:
    case 2:
    case 4:
      return 32;
    case 3:
      return have < 8 || word_at(buffer, 4) < 8 ? 8 : word_at(buffer, 4);
  }
  return 0;
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
