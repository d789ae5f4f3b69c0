package dev.libretto.serve;

import dev.libretto.device.HostAddress;
import java.nio.file.Path;
import java.util.Optional;

/**
 * How to serve.
 *
 * @param runs the folder whose runs the page shows; empty for those that are served
 * @param listen port 0 picks a free one
 * @param keys required from clients; empty for none
 * @param stateBytes the most memory for the states of texts, of each model
 * @param follow whether newer checkpoints of the runs are served when they appear
 */
public record ServeConfig(
        Optional<Path> runs,
        HostAddress listen,
        Optional<ApiKeys> keys,
        Limits limits,
        long stateBytes,
        boolean follow) {}
