#include "engine/nn/roles.h"

#include <algorithm>
#include <charconv>

namespace engine {
namespace {

struct Part {
  std::string_view name;
  Role::Kind kind;
};
using Kind = Role::Kind;
constexpr Part kParts[] = {{kClassTokenName, Kind::embedding},  {kDistillationTokenName, Kind::embedding},
                           {kRegistersName, Kind::embedding},   {kPositionsName, Kind::embedding},
                           {kPatchEmbedName, Kind::embedding},  {kPreNormName, Kind::embedding},
                           {kRopeName, Kind::embedding},        {kBlocksName, Kind::blocks},
                           {kFinalNormName, Kind::final_norm},  {kAttentionPoolName, Kind::pool},
                           {kPooledNormName, Kind::final_norm}, {kHeadName, Kind::head},
                           {kDistillationHeadName, Kind::head}};

/// Cuts the first part off a dotted name.
std::string_view take_part(std::string_view& name) {
  const std::size_t dot = name.find('.');
  const std::string_view first = name.substr(0, dot);
  name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  return first;
}

/// A number made of digits alone.
std::optional<Index> number_of(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

Index Role::layer(Index blocks) const {
  if (kind == Kind::embedding) return 0;
  return kind == Kind::block ? block + 1 : blocks + 1;
}

bool LayerRange::contains(std::string_view name, Index blocks) const {
  const Role role = role_of(name);
  const Index layer = role.layer(blocks);
  return role.kind == Role::Kind::head || (first <= layer && layer <= last);
}

Role role_of(std::string_view name) {
  std::string_view rest = name;
  const std::string_view first = take_part(rest);
  Role role{.part = std::string(first), .inside = {}};
  const auto* const part = std::ranges::find(kParts, first, &Part::name);
  if (part != std::end(kParts)) role.kind = part->kind;
  if (role.kind == Role::Kind::blocks) {
    std::string_view behind = rest;
    if (const std::optional<Index> number = number_of(take_part(behind))) {
      role.kind = Role::Kind::block;
      role.block = *number;
      rest = behind;
    }
  }
  role.inside = rest;
  return role;
}

bool in_head(std::string_view name) {
  return role_of(name).kind == Role::Kind::head;
}

bool in_norm(std::string_view name) {
  while (!name.empty()) {
    const std::string_view part = take_part(name);
    if (part.starts_with("norm") || part == kPooledNormName) return true;
  }
  return false;
}

bool is_bias(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return last == "bias" || last == kQueryBiasName || last == kValueBiasName;
}

std::string joint_name(std::string_view name) {
  std::string joint;
  while (!name.empty()) {
    const std::string_view part = take_part(name);
    const bool split = part == kQueryName || part == kKeyName || part == kValueName;
    joint += split ? kQkvName : part;
    if (!name.empty()) joint += '.';
  }
  return joint;
}

std::optional<Index> block_of(std::string_view name) {
  const Role role = role_of(name);
  if (role.kind != Role::Kind::block) return std::nullopt;
  return role.block;
}

Index count_prefix_tokens(const std::vector<NamedParameter>& all) {
  Index count = 0;
  for (const NamedParameter& p : all) {
    if (p.name == kClassTokenName || p.name == kDistillationTokenName || p.name == kRegistersName)
      count += p.parameter.value().shape()[1];
  }
  return count;
}

Index count_blocks(const std::vector<NamedParameter>& all) {
  Index blocks = 0;
  for (const NamedParameter& p : all) blocks = std::max(blocks, block_of(p.name).value_or(-1) + 1);
  return blocks;
}

}  // namespace engine
