#include "tools/training/prefix/cut.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/nn/layer.h"
#include "engine/nn/roles.h"

namespace training {

namespace {

/// The highest cut that something of that name lies above.
Index cut_below(const std::string& name, Index blocks) {
  const engine::Role role = engine::role_of(name);
  switch (role.kind) {
    case engine::Role::Kind::block:
      return role.block;
    case engine::Role::Kind::final_norm:
    case engine::Role::Kind::pool:
      return blocks;
    case engine::Role::Kind::head:
      return blocks + 1;
    default:
      return 0;  // embeddings, and what is around all blocks
  }
}

}  // namespace

Index highest_cut(models::Vit& model) {
  const Index blocks = model.config().depth;
  Index cut = blocks + 1;
  const auto keep_above = [&](const std::string& name) { cut = std::min(cut, cut_below(name, blocks)); };
  engine::walk(
      model,
      [&](const std::string& name, engine::Parameter& parameter) {
        if (parameter.accumulates()) keep_above(name);
      },
      [&](const std::string& name, engine::Module& module) {
        const auto* const host = dynamic_cast<engine::Adaptable*>(&module);
        if (host && host->adapter()) keep_above(name);
      });
  return cut;
}

std::string words_below(Index cut, Index blocks) {
  if (cut > blocks) return "the backbone";
  if (cut == blocks) return "all blocks";
  return cut == 1 ? "block 1" : engine::say("blocks 1 to", cut);
}

std::string name_above(Index cut, Index blocks) {
  if (cut > blocks) return "head";
  return cut == blocks ? "norm" : "block" + std::to_string(cut + 1);
}

}  // namespace training
