// Images on their way to a model: decoding, resizing to 224 x 224, and the loader by its number of workers.
// Items are images. They are those of the data set in the folder ESPALIER_BENCH_DATA, or one JPEG of 500 x
// 375 pixels that is made here.
#include <benchmark/benchmark.h>

#include <cstdio>  // before jpeglib.h, which uses it
#include <cstdlib>

#include <jpeglib.h>

#include "data/codecs/decode.h"
#include "data/loader.h"
#include "data/resize.h"
#include "data/sources.h"
#include "engine/tensor/random.h"

namespace {

using data::Index;

constexpr Index kWidth = 500, kHeight = 375, kImages = 256;

/// Slopes of colour with noise on them, which fill a JPEG about as a photograph does.
data::Image textured() {
  engine::Random random(0, engine::Random::Use::test);
  data::Image image(kWidth, kHeight);
  for (Index y = 0; y < kHeight; ++y) {
    for (Index x = 0; x < kWidth * 3; ++x)
      image.row(y)[x] = static_cast<std::uint8_t>((x / 12 + y / 3) % 224 + random.below(32));
  }
  return image;
}

std::vector<std::byte> jpeg_of(data::Image image) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 90, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  for (Index y = 0; y < image.height; ++y) {
    JSAMPROW row = image.row(y);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  std::vector<std::byte> copy(first, first + size);
  std::free(bytes);
  return copy;
}

/// One JPEG many times.
class Repeated : public data::Dataset {
 public:
  Index size() const override { return kImages; }
  std::string name(Index) const override { return name_; }
  Index label(Index i) const override { return i % 2; }
  data::Image image(Index) const override { return data::decode_image(jpeg_, name_); }

 private:
  std::string name_ = "made by the benchmark";
  std::vector<std::byte> jpeg_ = jpeg_of(textured());
};

std::shared_ptr<const data::Dataset> images() {
  static const std::shared_ptr<const data::Dataset> all = []() -> std::shared_ptr<const data::Dataset> {
    if (const char* folder = std::getenv("ESPALIER_BENCH_DATA")) return data::open_data(folder).train;
    return std::make_shared<Repeated>();
  }();
  return all;
}

void decode(benchmark::State& state) {
  const auto all = images();
  Index i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(all->image(i++ % all->size()).rgb.data());
  state.SetItemsProcessed(state.iterations());
}

void resize(benchmark::State& state) {
  const data::Image image = images()->image(0);
  const auto filter = static_cast<data::Filter>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(data::resize(image, 224, 224, filter).rgb.data());
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(std::string(data::name_of(filter)));
}

/// Whole epochs of batches of 32.
void loader(benchmark::State& state) {
  data::LoaderOptions options;
  options.shuffle = true;
  options.workers = static_cast<int>(state.range(0));
  data::Loader loader(images(), options);
  Index epoch = 0;
  for (auto _ : state) {
    loader.start(epoch++);
    while (loader.next()) {
    }
  }
  state.SetItemsProcessed(state.iterations() * images()->size());
}

BENCHMARK(decode)->Unit(benchmark::kMillisecond);
BENCHMARK(resize)->Arg(0)->Arg(1)->ArgName("filter")->Unit(benchmark::kMillisecond);
BENCHMARK(loader)->Arg(0)->Arg(1)->Arg(2)->Arg(4)->ArgName("workers")->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
