# cmake -DSOURCE=folder -DOUTPUT=file.cpp -P git_id.cmake: a source file with the id of the commit
# that is checked out in SOURCE, or without one when SOURCE is not the top of a checkout.
set(id "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --show-prefix
    OUTPUT_VARIABLE prefix ERROR_QUIET RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed EQUAL 0 AND prefix STREQUAL "")
    execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --short=12 HEAD
      OUTPUT_VARIABLE id ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [=[
#include "tools/lamellar-info/build_info.hpp"

namespace lamellar::tools {

const char* const kGitId = "@id@";

}  // namespace lamellar::tools
]=])
