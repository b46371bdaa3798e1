#pragma once

#include <filesystem>
#include <string>

namespace engine {

/// Makes a folder, and those above it that are missing; one that is there is as good. When it returns, the
/// names of new ones would survive a loss of power. Throws an Error naming the folder that cannot be made.
void make_folders(const std::filesystem::path& path);

/// Makes a folder in one that is there. False when something of that name was there already: of two processes
/// one gets true.
bool make_new_folder(const std::filesystem::path& path);

/// Makes the names in a folder, "" being the present one, survive a loss of power. Errors name it `shown`.
void sync_folder(const std::filesystem::path& folder, const std::string& shown);

/// Removes a file, or nothing where there is none.
void remove_file(const std::filesystem::path& path);

/// Throws an Error naming `path` when no file could be made in the folder `folder`. Of a folder that is still
/// to be made, the nearest one above it decides. Nothing is changed: a full disk is not found out.
void check_writable(const std::filesystem::path& folder, const std::string& path);

}  // namespace engine
