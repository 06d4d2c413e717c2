//===- ChoosePlan.cpp - Which plan of an artifact a GPU runs --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChoosePlan.h"

#include <tuple>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using artifact::Artifact;
using artifact::Plan;

/// "sm_86" of 86.
static std::string chipName(int chip) { return "sm_" + std::to_string(chip); }

/// "sm_80, sm_90a".
static std::string listChips(const Artifact &artifact) {
  std::string list;
  for (const Plan &plan : artifact.plans)
    list += (list.empty() ? "" : ", ") + plan.chip;
  return list.empty() ? "no chip" : list;
}

/// How well a plan suits; greater is better.
using Rank = std::tuple<int, int, int>;

/// First: 3 made for the chip, 2 a cubin, 1 PTX, 0 cannot run. Then the number
/// of the plan's chip, then how special the plan is.
static Rank rankPlan(const Plan &plan, int chip) {
  int number = artifact::chipNumber(plan.chip);
  char suffix = plan.chip.back();
  int special = suffix == 'a' ? 2 : suffix == 'f' ? 1 : 0;
  bool sameMajor = number / 10 == chip / 10;
  int kind = 0;
  if (number == chip)
    kind = 3;
  else if (number > chip || suffix == 'a' || (suffix == 'f' && !sameMajor))
    kind = 0;
  else if (sameMajor && !plan.cubin.empty())
    kind = 2;
  else if (!plan.ptx.empty())
    kind = 1;
  return {kind, number, special};
}

PlanChoice runtime::choosePlan(const Artifact &artifact, int chip,
                               const std::string &deviceName) {
  PlanChoice choice = {0, false, ""};
  Rank best = {0, 0, 0};
  for (size_t i = 0; i < artifact.plans.size(); ++i) {
    Rank rank = rankPlan(artifact.plans[i], chip);
    if (rank > best) {
      best = rank;
      choice.plan = i;
    }
  }
  int kind = std::get<0>(best);
  if (kind == 0)
    throw Error(QOPT_UNSUPPORTED,
                "the model has kernels for " + listChips(artifact) + ", but " +
                    deviceName + " is " + chipName(chip) +
                    "; compile it with --target=" + chipName(chip));
  const Plan &plan = artifact.plans[choice.plan];
  choice.usesPtx = kind == 1 || plan.cubin.empty();
  std::string advice = "compile the model with --target=" + chipName(chip);
  if (kind < 3)
    choice.notice =
        deviceName + " is " + chipName(chip) + " and runs the kernels for " +
        plan.chip +
        (choice.usesPtx ? ", compiled by the driver from PTX; " : "; ") +
        advice + " for its own";
  else if (choice.usesPtx)
    choice.notice = "the model has only PTX for " + plan.chip +
                    ": the driver compiles it now; " + advice +
                    " where ptxas is installed to save the time";
  return choice;
}

size_t runtime::findPlan(const Artifact &artifact, const std::string &target) {
  for (size_t i = 0; i < artifact.plans.size(); ++i)
    if (artifact.plans[i].chip == target)
      return i;
  throw Error(QOPT_INVALID_ARGUMENT, "the model has no kernels for '" + target +
                                         "'; it has them for " +
                                         listChips(artifact));
}
