package dev.libretto.serve;

import java.util.Locale;
import java.util.Set;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;

/**
 * Refuses requests for other names than this host's, if the server can only be reached from it and wants no key: a page in a browser could otherwise
 * have its own name lead here (DNS rebinding) and read the answers.
 */
final class HostCheck {
    private static final Set<String> OWN = Set.of("localhost", "127.0.0.1", "[::1]");

    private HostCheck() {}

    /** @param listen what the user called the address */
    static void check(Request request, String listen) throws ApiException {
        String host = String.valueOf(Request.getServerName(request)).toLowerCase(Locale.ROOT);
        if (!OWN.contains(host) && !host.equals(listen.toLowerCase(Locale.ROOT))) {
            throw new ApiException(
                    HttpStatus.FORBIDDEN_403,
                    "the header Host must name this host; use http://localhost, or start the server with"
                            + " --api-key-file",
                    null,
                    "wrong_host");
        }
    }
}
