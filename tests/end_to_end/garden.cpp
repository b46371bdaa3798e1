#include "tests/end_to_end/garden.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace end_to_end {
namespace {

const Words kColours{"blue", "green", "red"};

}  // namespace

models::VitConfig small_config() {
  models::VitConfig config;
  config.image_height = config.image_width = 16, config.patch = 8;
  config.width = 24, config.depth = 2, config.heads = 3, config.hidden = 48, config.classes = 5;
  return config;
}

engine::NamedTensors small_state(const models::VitConfig& config, std::uint64_t seed) {
  models::Vit model(config);
  models::initialize(model, seed);
  engine::NamedTensors state;
  for (const auto& [name, tensor] : engine::state(model)) {
    engine::Tensor larger = tensor.clone();  // initialize() is timid: these weights make images differ more
    if (name.ends_with(".weight") && tensor.shape().rank() >= 2) {
      for (float& x : larger.data<float>()) x *= 5;
    }
    state.emplace_back(name, larger);
  }
  return state;
}

void write_model(const fs::path& path, const engine::NamedTensors& state, const engine::Metadata& metadata) {
  fs::create_directories(path.parent_path());
  engine::write_safetensors(path, state, metadata);
}

engine::Tensor& tensor_of(engine::NamedTensors& state, const std::string& name) {
  for (auto& [key, tensor] : state) {
    if (key == name) return tensor;
  }
  throw engine::Error("there is no " + name);
}

std::string image(Index which_class, Index number) {
  const int width = 12 + static_cast<int>(number % 5), height = 11;
  std::uint32_t noise = static_cast<std::uint32_t>(which_class * 1000 + number + 1);
  std::string text = "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n";
  for (int i = 0; i < width * height * 3; ++i) {
    noise = noise * 1664525u + 1013904223u;
    const bool own = i % 3 == static_cast<int>(which_class % 3);
    text.push_back(static_cast<char>((own ? 150 : 20) + (noise >> 24) % 100));
  }
  return text;
}

void write_images(const fs::path& dir, const Words& classes, Index count, Index first_number) {
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (Index n = first_number; n < first_number + count; ++n) {
      const std::string name = (n < 10 ? "0" : "") + std::to_string(n) + ".ppm";
      write_text(dir / classes[c] / name, image(static_cast<Index>(c), n));
    }
  }
}

Garden::Garden() {
  write_model(model(), small_state());
  write_images(path() / "data/train", kColours, kTrain);
  write_images(path() / "data/val", kColours, kVal, 20);
  write_images(path() / "data/test", kColours, kTest, 40);
}

Words Garden::job(const std::string& method) const {
  return {"--model", model(), "--data", data(), "--method", method, "--batch-size", "6", "--threads", "2"};
}

Outcome Garden::tune(const std::string& method, const Words& more, const std::string& name) const {
  Words words = Words{"tune"} + job(method) + Words{"--out", run_folder(name), "--json"} + more;
  const auto given = [&](const char* option) { return std::ranges::find(more, option) != more.end(); };
  if (!given("--steps") && !given("--epochs")) words = words + Words{"--epochs", "2"};
  if (!given("--lr")) words = words + Words{"--lr", "0.01"};
  const Outcome outcome = end_to_end::run(words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return outcome;
}

std::string bits_of(const engine::Safetensors& file, const std::string& name) {
  const engine::Tensor tensor = file.read(name);
  return {reinterpret_cast<const char*>(tensor.raw()), tensor.bytes()};
}

}  // namespace end_to_end
