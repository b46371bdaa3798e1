// An epoch of decoding: every image of a data set's train once, in shuffled order, on some threads, and twice
// over. One line for bench/parquet: images, seconds to open, seconds of either epoch, peak resident megabytes
// before and after them. bench_epoch DATA [THREADS]
#include <atomic>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "data/sources.h"
#include "engine/base/stopwatch.h"
#include "engine/tensor/random.h"

namespace {

using data::Index;

/// Not getrusage's, which a process inherits from the one that started it.
double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024 / 1e6;
  }
  return 0;
}

double epoch_seconds(const data::Dataset& images, std::uint64_t epoch, int threads) {
  const std::vector<Index> order =
      engine::Random(0, engine::Random::Use::shuffle, epoch).permutation(images.size());
  std::atomic<std::size_t> next = 0;
  const engine::Stopwatch watch;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      for (std::size_t at = next++; at < order.size(); at = next++) images.image(order[at]);
    });
  for (std::thread& worker : workers) worker.join();
  return watch.seconds();
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "bench_epoch DATA [THREADS]\n");
    return 2;
  }
  const int threads = count > 2 ? std::atoi(words[2]) : 1;
  try {
    const engine::Stopwatch watch;
    const data::Splits splits = data::open_data(words[1]);
    const double open = watch.seconds(), opened_mb = peak_mb();
    const double first = epoch_seconds(*splits.train, 0, threads),
                 second = epoch_seconds(*splits.train, 1, threads);
    std::printf("%lld\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\n", static_cast<long long>(splits.train->size()), open,
                first, second, opened_mb, peak_mb());
  } catch (const engine::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
