// A delta that is put over a base, and two images that are evaluated with it. The first byte says how; a file
// names the base of this process by 64 zeros.

#include <nlohmann/json.hpp>

#include "engine/io/safetensors.h"
#include "engine/nn/linear.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/memory_folder.h"
#include "tests/fuzz/tiny_images.h"
#include "tests/fuzz/tiny_model.h"
#include "tools/training/data_source.h"
#include "tools/training/evaluate.h"
#include "tools/training/json_text.h"
#include "tools/training/memory_estimate.h"
#include "tools/training/tuned_model.h"

namespace {

constexpr std::size_t kFreeMemory = 256 << 20;

/// A base, and what `eval` is given beside the delta.
struct Evaluation {
  training::ModelSource source;
  std::string sha256;
  bool force = false;
};

/// A base that states what `metadata` has, in a file of its own.
Evaluation with_base(const std::filesystem::path& path, const engine::Metadata& metadata) {
  models::Vit model(fuzz::tiny_config());
  models::initialize(model, 1);
  Evaluation one;
  one.source.model = path, one.source.threads = 1;
  engine::write_safetensors(path, engine::state(model), metadata);
  one.sha256 = engine::sha256_of_safetensors(engine::state(model), metadata);
  return one;
}

/// In the order of EVALUATIONS in make_seeds.
std::vector<Evaluation> evaluations() {
  static const fuzz::MemoryFolder folder;
  const Evaluation silent = with_base(folder.path() / "silent.safetensors", {}),
                   stated = with_base(folder.path() / "stated.safetensors",
                                      {{"num_heads", "2"}, {"norm_eps", "1e-06"}});
  Evaluation forced = stated, sized = silent, prepared = silent;
  forced.force = true;
  sized.source.image_size = 6;
  prepared.source.mean = "0.1,0.2,0.3", prepared.source.resize = "crop";
  return {silent, stated, forced, sized, prepared};
}

/// The file with the hash of its base for that many zeros.
std::string named_base(std::string_view file, const std::string& sha256) {
  std::string text(file);
  const std::size_t at = text.find(std::string(sha256.size(), '0'));
  if (at != text.npos) text.replace(at, sha256.size(), sha256);
  return text;
}

/// As `eval --delta` does. The images are of the first and the last class.
void evaluate(const Evaluation& with, const std::string& delta) {
  training::LoadedModel loaded = training::load_tuned_model(with.source, delta, with.force);
  training::check_head(loaded, delta);
  engine::pack_weights(loaded.model);
  const std::vector<std::string> classes{loaded.classes.front(), loaded.classes.back()};
  const engine::Index outputs = loaded.model.config().classes;
  const std::vector<engine::Index> map = training::match_classes(classes, loaded.classes, outputs);
  training::check_inference_memory(training::estimate_inference(loaded.model.config(), 2), kFreeMemory);
  training::Evaluator evaluator(classes, map, outputs);
  training::Predictions kept;
  const training::Evaluation result =
      training::evaluate_split(loaded.model, std::make_shared<fuzz::TinyImages>(2, 2), loaded.preprocessing,
                               evaluator, map, {.batch_size = 2, .workers = 0}, {}, &kept);
  training::json_text(training::to_json(result, training::kMostPrinted));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Evaluation> all = evaluations();
  if (size == 0) return 0;
  const Evaluation& with = all[data[0] % all.size()];
  const std::string text = named_base(fuzz::text_of(data + 1, size - 1), with.sha256);
  const fuzz::MemoryFile input(std::as_bytes(std::span(text)));
  fuzz::reads_or_refuses([&] { evaluate(with, input.path()); });
  return 0;
}
