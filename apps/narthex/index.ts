// The launcher: `narthex SUBCOMMAND` starts one app by a late import.
export {};
