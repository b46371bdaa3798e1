// What may stand beside a checkpoint's tensors: config.json, what says how images are prepared, and the
// metadata. The same text is read as each of them.

#include "tools/training/pretrained/model_config.h"

#include "tests/fuzz/memory_folder.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFolder folder;
  const std::string_view text = fuzz::text_of(data, size);
  for (const char* name :
       {"config.json", "preprocessor_config.json", "processor_config.json", "open_clip_config.json"}) {
    folder.put(name, text);
    fuzz::reads_or_refuses([&] { training::read_model_config(folder.path(), {}, "model"); });
    folder.remove(name);
  }
  for (const char* key : {"num_heads", "norm_eps", "classes", "preprocessing"}) {
    fuzz::reads_or_refuses([&] { training::read_model_config({}, {{key, std::string(text)}}, "model"); });
  }
  return 0;
}
