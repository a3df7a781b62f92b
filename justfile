# The menu: `just` lists it.

default:
    @just --list

# All tests
test *arguments:
    ./test {{arguments}}

# What a change must pass
check:
    .ci/run

# Kill, fail and damage everything and cut the power as often as a release needs: more than an hour on two cores
faults kills="200":
    cargo build --release --workspace --bins
    UPSCALED_SCHEDULES=1000000 cargo test --release --package job state
    UPSCALED_LEDGER_FLIPS=5000 UPSCALED_SUBMITS=10000 cargo test --release --package ledger -- --nocapture
    UPSCALED_HANDLE_JOBS=1000 cargo test --release --package coordinator --lib storm -- --nocapture
    UPSCALED_KILL_POINTS=2000 UPSCALED_FAILURES=500 UPSCALED_DAMAGES=350 UPSCALED_LEDGER_DAMAGES=200 \
        UPSCALED_POWER_CUTS=500 UPSCALED_DISK_SIZES=200 UPSCALED_OOM_KILLS=20 \
        cargo test --release --package upscaled --test system_calls --test durable_order --test damage \
        --test ledger_damage --test power --test space --test memory -- --nocapture --test-threads 1
    UPSCALED_KILLS={{kills}} UPSCALED_WORKER_KILLS=30 UPSCALED_PAUSES=50 UPSCALED_HANGS=4 UPSCALED_STOPS=50 UPSCALED_STORMS=10 \
        cargo test --release --package upscaled --test faults --test stops --test queue --test socket -- --nocapture
    UPSCALED_DAMAGED_FILES=200 UPSCALED_SEGMENTS=3600 UPSCALED_REPLACEMENTS=50 UPSCALED_SAME_BITS=12 UPSCALED_OUTAGES=20 \
        cargo test --release --package upscaled --test missing_frames --test timing --test sources --test publish \
        --test sandbox --test hostile --test same_bits --test outage -- --nocapture
    UPSCALED_SEGMENTS=3600 cargo test --release --package media --test join no_number -- --nocapture

# Speed of the engine: the built-in models, or MODEL WIDTHxHEIGHT THREADS
bench *arguments:
    cargo bench --package engine --bench frames -- {{arguments}}

# Speed of single convolutions: all, or those whose names match
bench-kernels *filters:
    cargo bench --package engine --bench kernels -- {{filters}}

# Upscale each file of a folder and compare the result with its source: frames, times, streams, tags, colours, levels
fidelity *arguments:
    cargo build --package upscaled --package worker --package xtask
    cargo run --package xtask -- fidelity {{arguments}}

# Damage the files of a folder in 2,000 ways, and look what the program makes of them
mutate *arguments:
    cargo build --package upscaled --package worker --package xtask
    cargo run --package xtask -- mutate {{arguments}}

# The same jobs again and again, in other memory, on a busy machine, and killed: each must have one result
same-bits *arguments:
    cargo build --package upscaled --package worker --package xtask
    cargo run --package xtask -- same-bits {{arguments}}

# Send made-up requests of all kinds to a server, and compare its answers with the description of the API
fuzz-api *arguments:
    scripts/fuzz-api {{arguments}}

# How busy the engine is while a server works ten generated films of a minute off
lanes *arguments:
    cargo build --release --package upscaled --package worker --package xtask
    cargo run --release --package xtask -- lanes {{arguments}}

# How true the time left is: films of ten kinds through a server, and what it shows beside what was so
eta *arguments:
    cargo build --release --package upscaled --package worker --package xtask
    cargo run --release --package xtask -- eta {{arguments}}

# Run the kernels for Arm processors under emulation
neon:
    scripts/test-neon

# Compare with other engines on this machine, into compare/RESULTS.md; `just compare --quick` is a try
compare *arguments:
    compare/run {{arguments}}

# Convert ncnn weights to the built-in safetensors files
models folder:
    cargo run --release --package xtask -- convert-models {{folder}}
