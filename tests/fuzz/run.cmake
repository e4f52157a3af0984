# Runs one libFuzzer program from a fresh copy of its kept corpus: cmake -DPROGRAM -DCORPUS -DWORK -DSECONDS -P
file(REMOVE_RECURSE ${WORK}/corpus)
file(MAKE_DIRECTORY ${WORK})
file(COPY ${CORPUS}/ DESTINATION ${WORK}/corpus)
execute_process(
    COMMAND ${PROGRAM} -max_total_time=${SECONDS} -rss_limit_mb=1024 -timeout=10 -print_final_stats=0
            -artifact_prefix=${WORK}/ ${WORK}/corpus
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${PROGRAM} ended with ${result}; the input is in ${WORK}")
endif()
