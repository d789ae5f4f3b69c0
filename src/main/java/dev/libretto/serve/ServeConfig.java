package dev.libretto.serve;

import dev.libretto.device.HostAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How to serve.
 *
 * @param runs the folder whose runs the page shows
 * @param listen port 0 picks a free one
 * @param keys required from clients; empty for none
 * @param grace how long running answers may take after {@link ModelServer#stop}
 * @param stateBytes the most memory for the states of texts, of each model
 */
public record ServeConfig(
        Path runs, HostAddress listen, Optional<ApiKeys> keys, Limits limits, Duration grace, long stateBytes) {
    public static final Duration GRACE = Duration.ofSeconds(10);
    public static final long STATE_BYTES = 256L << 20;
}
