# How every target of this project is compiled. Kept apart from LLVM's
# HandleLLVMOptions so that targets without LLVM (runtime, quant-run) share it.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Precompiled headers need the sloppiness; -fpch-preprocess is for g++.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()
find_program(LLD_PROGRAM NAMES ld.lld-22 ld.lld HINTS ${LLVM_TOOLS_BINARY_DIR})

# quantopt_setup(TARGET [LLVM])
#   Warnings, include folders and sanitizers; with LLVM also the dylibs' headers
#   (as system headers) and LLVM's own language options.
function(quantopt_setup target)
  cmake_parse_arguments(ARG "LLVM" "" "" ${ARGN})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include
                                               ${PROJECT_BINARY_DIR}/include)
  # Integer and float results are normative (docs/Numerics.md): no contraction.
  target_compile_options(${target} PRIVATE -ffp-contract=off -Wall -Wextra
                         -Wno-unused-parameter)
  if(QUANTOPT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports false positives inside LLVM's SmallVector and Optional.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-comment)
    if(CCACHE_PROGRAM)
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    endif()
  endif()
  if(QUANTOPT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined
                           -fno-sanitize=vptr -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
  if(ARG_LLVM)
    target_include_directories(${target} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS}
                                                        ${LLVM_INCLUDE_DIRS})
    # LLVM is built without exceptions and, in Debian, with RTTI and NDEBUG:
    # classes with debug-only members must agree with libMLIR's layout.
    target_compile_options(${target} PRIVATE
                           $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
    target_compile_definitions(${target} PRIVATE NDEBUG ${LLVM_DEFINITIONS_LIST})
    target_link_libraries(${target} PRIVATE MLIR LLVM)
  endif()
  if(LLD_PROGRAM AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_link_options(${target} PRIVATE -fuse-ld=lld)
  endif()
endfunction()

separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND "${LLVM_DEFINITIONS}")
list(TRANSFORM LLVM_DEFINITIONS_LIST REPLACE "^-D" "")
