# Fails when a file of the program below ROOT changes the disk otherwise than through engine/io/file_system: what tests can
# fail, forget and count there must be all there is. Standard output and error are not the disk.
#   cmake -D ROOT=<source folder> -P tests/writes.cmake
cmake_minimum_required(VERSION 3.22)

string(JOIN "|" system_calls
       creat mkstemp mkostemp mkdtemp tmpfile fopen freopen pwrite writev pwritev sendfile copy_file_range fsync fdatasync
       syncfs truncate ftruncate fallocate posix_fallocate flock lockf rename renameat renameat2 unlink unlinkat rmdir mkdir
       mkdirat mknod mkfifo linkat symlink chmod fchmod chown fchown utimensat)
string(JOIN "|" library_calls
       create_director[a-z]+ create_[a-z_]*link copy copy_file copy_symlink last_write_time permissions remove remove_all rename
       resize_file)
set(patterns
    "[^A-Za-z0-9_](w|basic_)?o?fstream[^A-Za-z0-9_>]"
    "(fs|filesystem)::(${library_calls}) *\\("
    "(^|[^A-Za-z0-9_.>:])(::|std::)?(${system_calls}) *\\("  # a member function of that name is none of them
    "(^|[^A-Za-z0-9_.>:])::(write|link) *\\("
    "[^A-Za-z0-9_](O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE|MAP_SHARED)[^A-Za-z0-9_]")

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/engine/* ${ROOT}/models/* ${ROOT}/peft/* ${ROOT}/data/* ${ROOT}/tools/*)
list(FILTER files INCLUDE REGEX "\\.(h|cpp)$")
list(FILTER files EXCLUDE REGEX "^engine/io/file_system\\.(h|cpp)$")
set(complaints 0)
foreach(file IN LISTS files)
  foreach(pattern IN LISTS patterns)
    file(STRINGS ${ROOT}/${file} lines REGEX "${pattern}")
    foreach(line IN LISTS lines)
      math(EXPR complaints "${complaints} + 1")
      string(STRIP "${line}" line)
      message("${file} changes the disk by itself: ${line}")
    endforeach()
  endforeach()
endforeach()

list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no files found below ${ROOT}")
elseif(complaints GREATER 0)
  message(FATAL_ERROR "${complaints} lines change the disk otherwise than through engine/io/file_system")
endif()
message("${count} files change the disk through engine/io/file_system alone")
