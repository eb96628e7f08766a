// SPDX-License-Identifier: Apache-2.0
// A file system of one file, "image", that forwards to the file FILE with direct_io: no program can
// map it shared.
//
//   direct_fs FILE MOUNTPOINT -f
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int the_file;

static int GetAttr(const char* path, struct stat* status, struct fuse_file_info* info) {
  (void)info;
  if (strcmp(path, "/image") == 0) return fstat(the_file, status) == 0 ? 0 : -errno;
  if (strcmp(path, "/") != 0) return -ENOENT;
  memset(status, 0, sizeof *status);
  status->st_mode = S_IFDIR | 0755;
  status->st_nlink = 2;
  return 0;
}

static int Open(const char* path, struct fuse_file_info* info) {
  (void)path;
  info->direct_io = 1;
  return 0;
}

static int Read(const char* path, char* to, size_t size, off_t offset,
                struct fuse_file_info* info) {
  (void)path, (void)info;
  const ssize_t got = pread(the_file, to, size, offset);
  return got < 0 ? -errno : (int)got;
}

static int Write(const char* path, const char* from, size_t size, off_t offset,
                 struct fuse_file_info* info) {
  (void)path, (void)info;
  const ssize_t put = pwrite(the_file, from, size, offset);
  return put < 0 ? -errno : (int)put;
}

int main(int argc, char** argv) {
  const struct fuse_operations operations = {
      .getattr = GetAttr, .open = Open, .read = Read, .write = Write};
  if (argc < 3 || (the_file = open(argv[1], O_RDWR | O_CLOEXEC)) < 0) return 2;
  argv[1] = argv[0];
  return fuse_main(argc - 1, argv + 1, &operations, NULL);
}
