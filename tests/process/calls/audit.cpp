// An auditor for the dynamic linker (LD_AUDIT, see rtld-audit(7)): counts the calls of the program
// into liblamellar.so, each where it goes through the procedure linkage table.
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "counts.hpp"

namespace {

calls::Counts* g_counts = nullptr;
uintptr_t g_program = 0;
uintptr_t g_library = 0;

}  // namespace

extern "C" {

unsigned int la_version(unsigned int) {
  g_counts = calls::map_counts();
  return LAV_CURRENT;
}

unsigned int la_objopen(struct link_map* object, Lmid_t, uintptr_t* cookie) {
  const char* const slash = strrchr(object->l_name, '/');
  const char* const name = slash != nullptr ? slash + 1 : object->l_name;
  *cookie = reinterpret_cast<uintptr_t>(object);
  if (object->l_name[0] == '\0' && g_program == 0) {
    g_program = *cookie;
    return LA_FLG_BINDFROM;
  }
  if (strncmp(name, "liblamellar.so", strlen("liblamellar.so")) != 0) return 0;
  g_library = *cookie;
  return LA_FLG_BINDTO;
}

uintptr_t la_symbind64(Elf64_Sym* symbol, unsigned int, uintptr_t* from, uintptr_t* to,
                       unsigned int* flags, const char*) {
  if (*from != g_program || *to != g_library || g_counts == nullptr)
    *flags |= LA_SYMB_NOPLTENTER;
  *flags |= LA_SYMB_NOPLTEXIT;
  return symbol->st_value;
}

Elf64_Addr la_x86_64_gnu_pltenter(Elf64_Sym* symbol, unsigned int, uintptr_t*, uintptr_t*,
                                  La_x86_64_regs*, unsigned int*, const char*, long int*) {
  g_counts->calls.fetch_add(1, std::memory_order_relaxed);
  if (syscall(SYS_gettid) == g_counts->sender.load(std::memory_order_relaxed))
    g_counts->calls_of_sender.fetch_add(1, std::memory_order_relaxed);
  return symbol->st_value;
}

}  // extern "C"
