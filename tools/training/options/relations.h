#pragma once

#include <set>

#include "tools/training/options/option_table.h"

namespace training {

/// Throws an Error that names the option when a field holds a value that the option would not take.
void check_values(const OptionTable& table);

/// An option that is set but has no effect, and the Error that says so and why.
struct IdleOption {
  std::string name, complaint;
};
/// All of them.
std::vector<IdleOption> idle_options(const OptionTable& table);

/// Throws an Error that names both and gives the reason when an option that is set excludes another one that
/// is, or is idle because of what another is set to. Set is what differs from the value it was declared
/// with, an option of a method that has a value, and of two that exclude each other also what is among
/// `given` and no switch that is off.
void check_relations(const OptionTable& table, const std::set<std::string>& given = {});

/// True when another option is set as `need` has it; of a method, by its default where it has no value.
bool is_met(const OptionTable& table, const peft::OptionNeed& need);

}  // namespace training
