// SPDX-License-Identifier: Apache-2.0
#include "backends/guarded_routines.h"

#if defined(__x86_64__)

// Leaf routines that use neither the stack nor callee-saved registers, so that continuing at a
// `gone` label returns false to the caller. SysV: rdi = to, rsi = from, rdx = length.
asm(R"(
    .text
    .balign 64
nvdimmfs_guarded_begin:

    .globl nvdimmfs_guarded_load32
    .hidden nvdimmfs_guarded_load32
    .type nvdimmfs_guarded_load32, @function
nvdimmfs_guarded_load32:
    .cfi_startproc
    endbr64
    movl    (%rsi), %ecx
    movl    %ecx, (%rdi)
    movl    $1, %eax
    ret
    .cfi_endproc
    .size nvdimmfs_guarded_load32, . - nvdimmfs_guarded_load32

    .balign 64
    .globl nvdimmfs_guarded_copy_sse
    .hidden nvdimmfs_guarded_copy_sse
    .type nvdimmfs_guarded_copy_sse, @function
nvdimmfs_guarded_copy_sse:
    .cfi_startproc
    endbr64
    subq    $64, %rdx
    jb      2f
1:  movups    (%rsi), %xmm0
    movups  16(%rsi), %xmm1
    movups  32(%rsi), %xmm2
    movups  48(%rsi), %xmm3
    movups  %xmm0,   (%rdi)
    movups  %xmm1, 16(%rdi)
    movups  %xmm2, 32(%rdi)
    movups  %xmm3, 48(%rdi)
    addq    $64, %rsi
    addq    $64, %rdi
    subq    $64, %rdx
    jae     1b
2:  addq    $64, %rdx
    jz      3f
    movq    %rdx, %rcx
    rep movsb
3:  movl    $1, %eax
    ret
    .cfi_endproc
    .size nvdimmfs_guarded_copy_sse, . - nvdimmfs_guarded_copy_sse

nvdimmfs_guarded_gone:
    xorl    %eax, %eax
    ret

    .balign 64
    .globl nvdimmfs_guarded_copy_avx
    .hidden nvdimmfs_guarded_copy_avx
    .type nvdimmfs_guarded_copy_avx, @function
nvdimmfs_guarded_copy_avx:
    .cfi_startproc
    endbr64
    subq    $256, %rdx
    jb      2f
    # All loads before the first store: the lines of a sector are fetched at once.
1:  vmovdqu    (%rsi), %ymm0
    vmovdqu  32(%rsi), %ymm1
    vmovdqu  64(%rsi), %ymm2
    vmovdqu  96(%rsi), %ymm3
    vmovdqu 128(%rsi), %ymm4
    vmovdqu 160(%rsi), %ymm5
    vmovdqu 192(%rsi), %ymm6
    vmovdqu 224(%rsi), %ymm7
    vmovdqu %ymm0,    (%rdi)
    vmovdqu %ymm1,  32(%rdi)
    vmovdqu %ymm2,  64(%rdi)
    vmovdqu %ymm3,  96(%rdi)
    vmovdqu %ymm4, 128(%rdi)
    vmovdqu %ymm5, 160(%rdi)
    vmovdqu %ymm6, 192(%rdi)
    vmovdqu %ymm7, 224(%rdi)
    addq    $256, %rsi
    addq    $256, %rdi
    subq    $256, %rdx
    jae     1b
2:  addq    $256, %rdx
    jz      3f
    movq    %rdx, %rcx
    rep movsb
3:  vzeroupper
    movl    $1, %eax
    ret
    .cfi_endproc
    .size nvdimmfs_guarded_copy_avx, . - nvdimmfs_guarded_copy_avx

nvdimmfs_guarded_gone_avx:
    vzeroupper
    xorl    %eax, %eax
    ret
nvdimmfs_guarded_end:
)");

namespace nvdimmfs::backends::internal {
namespace {

extern "C" {
// NOLINTBEGIN: labels
extern const char begin[] asm("nvdimmfs_guarded_begin");
extern const char gone[] asm("nvdimmfs_guarded_gone");
extern const char begin_avx[] asm("nvdimmfs_guarded_copy_avx");
extern const char gone_avx[] asm("nvdimmfs_guarded_gone_avx");
// NOLINTEND
}

}  // namespace

uintptr_t GuardedResume(uintptr_t rip) {
  const auto at = [](const char* label) { return reinterpret_cast<uintptr_t>(label); };
  if (rip >= at(begin) && rip < at(gone)) return at(gone);
  if (rip >= at(begin_avx) && rip < at(gone_avx)) return at(gone_avx);
  return 0;
}

}  // namespace nvdimmfs::backends::internal

#else

namespace nvdimmfs::backends::internal {

uintptr_t GuardedResume(uintptr_t) { return 0; }

}  // namespace nvdimmfs::backends::internal

#endif
