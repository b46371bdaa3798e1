#pragma once

#include "data/dataset.h"

namespace fuzz {

/// Images of 5 x 4 pixels whose labels are those of the `classes` in turn.
class TinyImages : public data::Dataset {
 public:
  TinyImages(data::Index size, data::Index classes) : size_(size), classes_(classes) {}

  data::Index size() const override { return size_; }
  std::string name(data::Index i) const override { return std::to_string(i); }
  data::Index label(data::Index i) const override { return i % classes_; }
  data::Image image(data::Index i) const override {
    data::Image image(5, 4);
    for (std::size_t k = 0; k < image.rgb.size(); ++k)
      image.rgb[k] = static_cast<std::uint8_t>((k * k + 40 * static_cast<std::size_t>(i)) % 256);
    return image;
  }

 private:
  data::Index size_, classes_;
};

}  // namespace fuzz
