package dev.libretto.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The files of the page, from the class path. A browser keeps them until their ETag changes. */
final class PageFiles implements Endpoint {
    private static final String FOLDER = "/dev/libretto/serve/page/";
    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/";
    /** No slash and no two dots, so that nothing else on the class path has such a name. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]+(?:\\.[a-z]+)*\\.([a-z]+)");

    private static final Map<String, String> TYPES = Map.of(
            "html", Exchange.HTML,
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml",
            "png", "image/png");

    private record PageFile(String type, byte[] content) {}

    private final Map<String, PageFile> files = new ConcurrentHashMap<>();

    @Override
    public void answer(Exchange exchange) throws ApiException {
        String name = exchange.rest().isEmpty() ? "index.html" : exchange.rest();
        PageFile file = find(name).orElseThrow(() -> ApiException.notFound("there is no such path"));
        exchange.sendUnlessKnown(file.type(), file.content());
    }

    private Optional<PageFile> find(String name) {
        Matcher match = NAME.matcher(name);
        if (!match.matches() || !TYPES.containsKey(match.group(1))) {
            return Optional.empty();
        }
        // A name without a file is not kept, as there is no end of names.
        return Optional.ofNullable(files.computeIfAbsent(
                name,
                missing -> read(missing)
                        .map(content -> new PageFile(TYPES.get(match.group(1)), content))
                        .orElse(null)));
    }

    private static Optional<byte[]> read(String name) {
        String path = (name.startsWith("uPlot.") ? UPLOT : FOLDER) + name;
        try (InputStream input = PageFiles.class.getResourceAsStream(path)) {
            return input == null ? Optional.empty() : Optional.of(input.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
