#pragma once
// A shared library opened at run time.
#include <string>

namespace lamellar::lamellae {

// LIFETIME: the library stays loaded for the rest of the process; it may have threads of its own.
class Library {
 public:
  // ERRORS: LaunchError with the loader's reason.
  explicit Library(const char* file);

  // function = the symbol of that name. ERRORS: LaunchError when there is none.
  template <class Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;
  std::string file_;
  void* handle_ = nullptr;
};

}  // namespace lamellar::lamellae
