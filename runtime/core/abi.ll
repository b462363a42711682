; The two bridges between C and regions (x86_regcallcc). Register order, host rax rcx rdx rdi rsi r8 r9 r12 r13 r14 r15:
;   in : rsp rcx rdx rdi rsi r8  r9  r12 rbx rbp r13
;   out: rip rcx rdx rdi rsi rax rsp r12 rbx rbp r13
; What does not travel is in @emu_state (runtime/core/emu.h): gpr[n] at n * 8, rip at 128.

target triple = "x86_64-pc-linux-gnu"

%regs = type { i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 }

@emu_state = external thread_local(localexec) global [992 x i8], align 64

; void emu_enter(void *region): loads the in-registers, calls the region, stores the out-registers.
define void @emu_enter(ptr %region) nounwind {
  %s = call ptr @llvm.threadlocal.address.p0(ptr @emu_state)
  %rax.p = getelementptr i8, ptr %s, i64 0
  %rcx.p = getelementptr i8, ptr %s, i64 8
  %rdx.p = getelementptr i8, ptr %s, i64 16
  %rbx.p = getelementptr i8, ptr %s, i64 24
  %rsp.p = getelementptr i8, ptr %s, i64 32
  %rbp.p = getelementptr i8, ptr %s, i64 40
  %rsi.p = getelementptr i8, ptr %s, i64 48
  %rdi.p = getelementptr i8, ptr %s, i64 56
  %r8.p  = getelementptr i8, ptr %s, i64 64
  %r9.p  = getelementptr i8, ptr %s, i64 72
  %r12.p = getelementptr i8, ptr %s, i64 96
  %r13.p = getelementptr i8, ptr %s, i64 104
  %rip.p = getelementptr i8, ptr %s, i64 128
  %rcx = load i64, ptr %rcx.p
  %rdx = load i64, ptr %rdx.p
  %rbx = load i64, ptr %rbx.p
  %rsp = load i64, ptr %rsp.p
  %rbp = load i64, ptr %rbp.p
  %rsi = load i64, ptr %rsi.p
  %rdi = load i64, ptr %rdi.p
  %r8  = load i64, ptr %r8.p
  %r9  = load i64, ptr %r9.p
  %r12 = load i64, ptr %r12.p
  %r13 = load i64, ptr %r13.p
  %o = call x86_regcallcc %regs %region(i64 %rsp, i64 %rcx, i64 %rdx, i64 %rdi, i64 %rsi, i64 %r8, i64 %r9, i64 %r12, i64 %rbx, i64 %rbp, i64 %r13)
  %o.rip = extractvalue %regs %o, 0
  %o.rcx = extractvalue %regs %o, 1
  %o.rdx = extractvalue %regs %o, 2
  %o.rdi = extractvalue %regs %o, 3
  %o.rsi = extractvalue %regs %o, 4
  %o.rax = extractvalue %regs %o, 5
  %o.rsp = extractvalue %regs %o, 6
  %o.r12 = extractvalue %regs %o, 7
  %o.rbx = extractvalue %regs %o, 8
  %o.rbp = extractvalue %regs %o, 9
  %o.r13 = extractvalue %regs %o, 10
  store i64 %o.rip, ptr %rip.p
  store i64 %o.rcx, ptr %rcx.p
  store i64 %o.rdx, ptr %rdx.p
  store i64 %o.rdi, ptr %rdi.p
  store i64 %o.rsi, ptr %rsi.p
  store i64 %o.rax, ptr %rax.p
  store i64 %o.rsp, ptr %rsp.p
  store i64 %o.r12, ptr %r12.p
  store i64 %o.rbx, ptr %rbx.p
  store i64 %o.rbp, ptr %rbp.p
  store i64 %o.r13, ptr %r13.p
  ret void
}

; A region that leaves at once with rip = emu_state.rip: the in-registers that do not travel out go to the state, rax comes from it.
define x86_regcallcc %regs @emu_leave(i64 %rsp, i64 %rcx, i64 %rdx, i64 %rdi, i64 %rsi, i64 %r8, i64 %r9, i64 %r12, i64 %rbx, i64 %rbp, i64 %r13) nounwind {
  %s = call ptr @llvm.threadlocal.address.p0(ptr @emu_state)
  %r8.p  = getelementptr i8, ptr %s, i64 64
  %r9.p  = getelementptr i8, ptr %s, i64 72
  %rip.p = getelementptr i8, ptr %s, i64 128
  store i64 %r8, ptr %r8.p
  store i64 %r9, ptr %r9.p
  %rip = load i64, ptr %rip.p
  %rax = load i64, ptr %s
  %o0 = insertvalue %regs poison, i64 %rip, 0
  %o1 = insertvalue %regs %o0, i64 %rcx, 1
  %o2 = insertvalue %regs %o1, i64 %rdx, 2
  %o3 = insertvalue %regs %o2, i64 %rdi, 3
  %o4 = insertvalue %regs %o3, i64 %rsi, 4
  %o5 = insertvalue %regs %o4, i64 %rax, 5
  %o6 = insertvalue %regs %o5, i64 %rsp, 6
  %o7 = insertvalue %regs %o6, i64 %r12, 7
  %o8 = insertvalue %regs %o7, i64 %rbx, 8
  %o9 = insertvalue %regs %o8, i64 %rbp, 9
  %o10 = insertvalue %regs %o9, i64 %r13, 10
  ret %regs %o10
}

declare nonnull ptr @llvm.threadlocal.address.p0(ptr nonnull)
