// Deltas and selections of which a bit is flipped or the end is missing: taken or refused by an Error, and
// when refused the model is as it was.

#include <gtest/gtest.h>

#include "peft/delta.h"
#include "tests/engine/io/temporary_folder.h"
#include "tests/peft/small.h"

namespace {

using engine::NamedTensors;
using engine::Safetensors;
using engine::Selection;
using engine::Tensor;

class DamagedDelta : public ::testing::Test {
 protected:
  DamagedDelta() {
    for (const auto& [name, parameter] : engine::parameters(model)) {
      parameter.freeze();
      if (name == "blocks.0.attn.qkv.weight") parameter.train(Selection::rows({1, 7}));
      if (name == "blocks.0.mlp.fc2.weight") parameter.train(Selection::columns({2}));
      if (name == "patch_embed.proj.weight") parameter.train(Selection::elements({0, 50}));
      if (name == "head.bias") parameter.train(Selection::all());
    }
  }

  std::string bytes_of(const NamedTensors& tensors) const {
    engine::write_safetensors(folder / "whole", tensors, {{"format", "espalier-delta"}});
    return engine::get(folder / "whole");
  }
  /// Whether `read(file)` takes these bytes; anything thrown but Error fails the test.
  template <class Read>
  bool takes(const std::string& bytes, Read&& read) const {
    engine::put(folder / "damaged", bytes);
    try {
      read(Safetensors(folder / "damaged"));
      return true;
    } catch (const engine::Error&) {
      return false;
    }
  }
  /// Damages the file in every way; returns how many flipped bits were taken.
  template <class Read>
  int damage(const std::string& whole, Read&& read) const {
    EXPECT_TRUE(takes(whole, read));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(takes(whole.substr(0, size), read)) << size;
    int taken = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      taken += takes(flipped, read);
    }
    return taken;
  }

  const engine::TemporaryFolder folder;
  models::Vit model = small::model(small::narrow());
};

TEST_F(DamagedDelta, is_taken_whole_or_not_at_all) {
  const std::string whole = bytes_of(peft::delta_of(model, peft::trained_parts(model)));
  const engine::NamedTensors before = small::copy(model);
  const int taken = damage(whole, [&](const Safetensors& file) {
    try {
      peft::apply_delta(model, file);
    } catch (const engine::Error&) {
      EXPECT_TRUE(small::same_bits(engine::state(model), before));
      throw;
    }
    engine::load_state(model, before, "before");
  });
  EXPECT_GT(taken, 8 * 4 * 16) << "most bits of the values make another value";
}

TEST_F(DamagedDelta, selection_is_read_or_refused) {
  const std::string whole = bytes_of(peft::selection_tensors({{.parameter = "a",
                                                               .selection = Selection::rows({1, 7}),
                                                               .scores = {1, 2},
                                                               .captured = 0,
                                                               .gradient = {}},
                                                              {.parameter = "b",
                                                               .selection = Selection::elements({3}),
                                                               .scores = {4},
                                                               .captured = 0,
                                                               .gradient = {}}}));
  const int taken = damage(whole, [](const Safetensors& file) { peft::read_parts(file); });
  EXPECT_GT(taken, 8 * 4 * 3) << "scores may be any value";
}

TEST_F(DamagedDelta, with_a_long_name_shows_how_it_begins) {
  const auto error_of = [&](const std::string& name) {
    engine::put(folder / "damaged", bytes_of({{name, Tensor::of<float>({1}, {1})}}));
    try {
      peft::apply_delta(model, Safetensors(folder / "damaged"));
    } catch (const engine::Error& e) {
      return std::string(e.what());
    }
    return std::string("taken");
  };
  const std::string shown_whole(80, 'x');
  EXPECT_NE(error_of(shown_whole).find("parameter " + shown_whole + ";"), std::string::npos)
      << error_of(shown_whole);
  const std::string name = "start" + std::string(100, 'x');
  EXPECT_NE(error_of(name).find("parameter " + name.substr(0, 80) + "...;"), std::string::npos)
      << error_of(name);
}

}  // namespace
