//===- OneDnnSupport.cpp - Running oneDNN primitives ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// oneDNN's memory objects carry the data pointer, so a primitive cannot run on
// one set of them in two threads. Each primitive keeps a pool of sets instead;
// scratchpads are the user's and come from the calling thread.
//
//===----------------------------------------------------------------------===//

#include "OneDnnSupport.h"

#include "QuantOpt/Support/TemporaryStorage.h"

#if DNNL_CPU_RUNTIME != DNNL_RUNTIME_OMP && DNNL_CPU_RUNTIME != DNNL_RUNTIME_SEQ
#error "kernels run in their caller's thread: oneDNN with OpenMP is needed"
#endif

// From the OpenMP runtime that oneDNN links. <omp.h> belongs to the compiler
// and may be another runtime's.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

namespace mlir::qopt::cpu {

dnnl::engine &oneDnnEngine() {
  // Leaked: threads may still run kernels while statics are destroyed. Asking
  // for the instruction set first keeps oneDNN from choosing one that crashes.
  static dnnl::engine *engine = [] {
    instructionSet();
    return new dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return *engine;
}

static dnnl::stream &threadStream() {
  static thread_local dnnl::stream stream(oneDnnEngine());
  return stream;
}

dnnl::memory::data_type oneDnnType(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return dnnl::memory::data_type::f32;
  case ElementType::S8:
    return dnnl::memory::data_type::s8;
  case ElementType::U8:
    return dnnl::memory::data_type::u8;
  case ElementType::S32:
    return dnnl::memory::data_type::s32;
  }
  return dnnl::memory::data_type::undef;
}

SingleThreaded::SingleThreaded() : previous(omp_get_max_threads()) {
  if (previous != 1)
    omp_set_num_threads(1);
}

SingleThreaded::~SingleThreaded() {
  if (previous != 1)
    omp_set_num_threads(previous);
}

//===----------------------------------------------------------------------===//
// ReentrantPrimitive
//===----------------------------------------------------------------------===//

struct ReentrantPrimitive::State {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

ReentrantPrimitive::ReentrantPrimitive(
    dnnl::primitive primitive, const dnnl::memory::desc &scratchpad,
    std::initializer_list<Argument> arguments)
    : primitive(std::move(primitive)), arguments(arguments),
      scratchpadSize(scratchpad.get_size()) {
  if (scratchpadSize > 0)
    this->arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad});
}

ReentrantPrimitive::~ReentrantPrimitive() = default;

std::unique_ptr<ReentrantPrimitive::State> ReentrantPrimitive::acquire() const {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!idle.empty()) {
      std::unique_ptr<State> state = std::move(idle.back());
      idle.pop_back();
      return state;
    }
  }
  auto state = std::make_unique<State>();
  for (const Argument &argument : arguments) {
    state->memories.push_back(
        dnnl::memory(argument.second, oneDnnEngine(), DNNL_MEMORY_NONE));
    state->arguments.push_back({argument.first, state->memories.back().get()});
  }
  return state;
}

void ReentrantPrimitive::execute(std::initializer_list<void *> pointers) const {
  std::unique_ptr<State> state = acquire();
  size_t next = 0;
  for (void *pointer : pointers)
    state->memories[next++].set_data_handle(pointer);
  if (scratchpadSize > 0)
    state->memories[next].set_data_handle(
        scratch(ScratchSlot::Library, scratchpadSize));
  dnnl_status_t status = dnnl_primitive_execute(
      primitive.get(), threadStream().get(),
      static_cast<int>(state->arguments.size()), state->arguments.data());
  if (status != dnnl_success)
    fatal("oneDNN failed to execute a primitive");
  std::lock_guard<std::mutex> lock(mutex);
  idle.push_back(std::move(state));
}

//===----------------------------------------------------------------------===//
// PackedOperand
//===----------------------------------------------------------------------===//

PackedOperand::PackedOperand(ElementType type, bool isConstant,
                             std::vector<CopyDim> toDense,
                             const dnnl::memory::desc &dense,
                             const dnnl::memory::desc &packed)
    : type(type), isConstant(isConstant), toDense(std::move(toDense)),
      denseSize(dense.get_size()), packedSize(packed.get_size()),
      operandSize(denseSize) {
  if (!this->toDense.empty()) {
    int64_t last = 0;
    for (const CopyDim &dim : this->toDense)
      last += (dim.extent - 1) * dim.srcStride;
    operandSize = size_t(last + 1) * byteWidth(type);
  }
  if (dense == packed)
    return;
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::reorder::primitive_desc desc(oneDnnEngine(), dense, oneDnnEngine(),
                                     packed, attr);
  reorder = std::make_unique<ReentrantPrimitive>(
      dnnl::reorder(desc), desc.scratchpad_desc(),
      std::initializer_list<ReentrantPrimitive::Argument>{
          {DNNL_ARG_SRC, dense}, {DNNL_ARG_DST, packed}});
}

void PackedOperand::pack(const void *operand, void *denseCopy,
                         void *result) const {
  const void *dense = operand;
  if (!toDense.empty()) {
    void *copy = reorder ? denseCopy : result;
    copyStrided(toDense, byteWidth(type), operand, copy);
    dense = copy;
  }
  // oneDNN takes sources without const but does not write to them.
  if (reorder)
    reorder->execute({const_cast<void *>(dense), result});
}

void *PackedOperand::get(const void *operand) const {
  if (!reorder && toDense.empty())
    return const_cast<void *>(operand);
  size_t copySize = reorder && !toDense.empty() ? denseSize : 0;
  if (!isConstant) {
    void *result = scratch(ScratchSlot::Rhs, packedSize);
    pack(operand, copySize ? scratch(ScratchSlot::Reorder, copySize) : nullptr,
         result);
    return result;
  }
  std::call_once(once, [&] {
    AlignedBuffer copy(copySize);
    storage = AlignedBuffer(packedSize);
    pack(operand, copy.data(), storage.data());
    // Large weights are in files: nobody reads this one here again.
    releasePages(operand, operandSize);
  });
  return storage.data();
}

} // namespace mlir::qopt::cpu
