# bash completion for pond(1). Each command has its row: the options that it has of its own.
# tests/integration/test_cli_docs.py compares the rows with what `pond --help` says.

declare -gA _pond_options=(
    [ping]="--wait"
    [status]="--watch --interval"
    [query]="--file --format --null --page --param --verbose"
    [run]="--name --keep-on-failure --jobs --seed"
    [lease]="--name --pid"
    [release]=""
    [mark]=""
    [rewind]=""
    [reset]=""
    [clones]="--format"
    [load]="--format --table --no-header --no-transaction"
    [dump]="--format --table --output"
    [save]=""
    [shell]="--plain --seed"
    [passwd]="--iterations"
)
_pond_common="--host --port --user --dbname --connect-timeout --timeout --quiet --help --version"

# What the value of an option is chosen from.
declare -gA _pond_choices=(
    ["query --format"]="table csv tsv json jsonl"
    ["query -F"]="table csv tsv json jsonl"
    ["load --format"]="auto sql csv"
    ["load -F"]="auto sql csv"
    ["dump --format"]="sql csv"
    ["dump -F"]="sql csv"
    ["clones --format"]="table csv tsv json jsonl"
    ["clones -F"]="table csv tsv json jsonl"
)

_pond()
{
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ -v "_pond_options[${COMP_WORDS[i]}]" ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
    if [[ -n $command && -v "_pond_choices[$command $before]" ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${_pond_choices[$command $before]}" -- "$current")
    elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${command:+${_pond_options[$command]}} $_pond_common" -- "$current")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${!_pond_options[*]}" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}
complete -o filenames -F _pond pond
