#pragma once

#include <string>

#include "engine/io/safetensors.h"
#include "engine/nn/state.h"
#include "tests/engine/io/temporary_folder.h"
#include "tools/training/run.h"

namespace training {

/// A checkpoint and images, all small, and a configuration that trains on them in four steps of two epochs.
///   model.safetensors   16 x 16 images in patches of 8, width 12, 2 blocks, 3 heads, no head
///   data/<split>/<class>/<n>.ppm   three classes by colour; 4 images of each in train, or as many as are
///                                  asked for, and 2 in val
class SmallRun : public engine::TemporaryFolder {
 public:
  explicit SmallRun(int train = 4) {
    models::VitConfig sizes;
    sizes.image_height = sizes.image_width = 16, sizes.patch = 8;
    sizes.width = 12, sizes.depth = 2, sizes.heads = 3, sizes.hidden = 24, sizes.classes = 3;
    models::Vit model(sizes);
    models::initialize(model, 1);
    engine::NamedTensors state;
    for (const auto& [name, tensor] : engine::state(model)) {
      engine::Tensor larger = tensor.clone();  // so that features of images differ
      for (float& x : larger.data<float>())
        x *= name.ends_with(".weight") && tensor.shape().rank() > 1 ? 5.0f : 1.0f;
      state.emplace_back(name, larger);
    }
    engine::write_safetensors(*this / "model.safetensors", state, {{"num_heads", "3"}});
    for (const auto& [split, count] : {std::pair{"train", train}, std::pair{"val", 2}}) {
      for (int c = 0; c < 3; ++c)
        for (int n = 0; n < count; ++n) write_image(split, c, n);
    }
  }

  TrainConfig config() const {
    TrainConfig config;
    config.model.model = *this / "model.safetensors";
    config.model.threads = 1;
    config.data.data = *this / "data";
    config.method = "grft";
    config.batch_size = 6;
    config.epochs = 2;
    config.workers = 0;
    config.lr = 0.01;
    config.ema = 0.5;
    return config;
  }

 private:
  void write_image(const std::string& split, int which_class, int number) const {
    const auto dir = path() / "data" / split / std::string(1, static_cast<char>('a' + which_class));
    std::filesystem::create_directories(dir);
    std::uint32_t noise =
        static_cast<std::uint32_t>(which_class * 1000 + number * 10) + (split == "val" ? 1 : 0);
    std::string text = "P6 12 11 255\n";
    for (int i = 0; i < 12 * 11 * 3; ++i) {
      noise = noise * 1664525u + 1013904223u;
      text.push_back(static_cast<char>((i % 3 == which_class ? 150 : 20) + (noise >> 24) % 100));
    }
    engine::put(dir / (std::to_string(number) + ".ppm"), text);
  }
};

}  // namespace training
