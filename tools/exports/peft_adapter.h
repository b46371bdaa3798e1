#pragma once

#include "tools/exports/formats.h"

namespace exports {

/// The adapters of LoRA, rsLoRA and DoRA as peft's LoraModel reads them: adapter_config.json and
/// adapter_model.safetensors, with the head in modules_to_save. Names are those of the modules that timm, or
/// transformers 5, has of the base: what is one matrix here and three there gets A three times and a third of
/// B. Anything else that was trained is refused by name.
Format peft_format();

}  // namespace exports
