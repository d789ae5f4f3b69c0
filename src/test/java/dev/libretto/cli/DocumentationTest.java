package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks that the options, defaults, commands, files and headings named in documents exist. */
class DocumentationTest {
    private static final Pattern FENCED = Pattern.compile("(?ms)^```.*?^```$");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

    /** A code line, with or without environment variables at its start. */
    private static final Pattern COMMAND_LINE = Pattern.compile("(?m)^ {4}(?:[A-Z_]+=\\S+ )*\\./libretto (\\w+)(.*)$");

    /** A command in a container's file: a list of words, or a line of a shell. */
    private static final Pattern CONTAINER_COMMAND =
            Pattern.compile("(?m)^ *(?:entrypoint|command|args): \\[(\".+\")\\]$|^ .*exec libretto (\\w.*)$");

    private static final Pattern OPTION = Pattern.compile("(?<=\\s)--([a-z0-9-]+)");

    /** A class in backquotes. */
    private static final Pattern CLASS = Pattern.compile("`([A-Z]\\w*[a-z]\\w*)[`.]");

    static List<Path> documents() throws IOException {
        List<Path> documents = new ArrayList<>();
        for (String folder : List.of(".", "docs", "docker", "data", "graphs", "src/test/python")) {
            try (Stream<Path> files = Files.list(Path.of(folder))) {
                files.filter(file -> file.toString().endsWith(".md"))
                        .map(Path::normalize)
                        .forEach(documents::add);
            }
        }
        return documents;
    }

    static List<Path> chineseDocuments() throws IOException {
        return documents().stream()
                .filter(file -> file.toString().endsWith(".zh.md"))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "README.zh.md"})
    void readmeStaysShort(String file) throws IOException {
        assertThat(Files.readAllLines(Path.of(file))).hasSizeLessThanOrEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"docs/options.md", "docs/options.zh.md"})
    void eachOptionHasARowWithItsDefault(String file) throws IOException {
        Map<String, String> sections = Pattern.compile("(?m)^## ")
                .splitAsStream(Files.readString(Path.of(file)))
                .skip(1)
                .collect(Collectors.toMap(section -> section.lines().findFirst().orElseThrow(), Function.identity()));
        for (Command command : Main.COMMANDS) {
            for (Flag<?> flag : command.flags()) {
                assertThat(sections.entrySet().stream()
                                .filter(section -> List.of(section.getKey().split("[,、 ]+"))
                                        .contains(command.name()))
                                .flatMap(section -> section.getValue().lines())
                                .filter(line -> line.matches("\\| `--" + flag.name() + "[ `].*")))
                        .as("rows of --%s for %s", flag.name(), command.name())
                        .singleElement()
                        .satisfies(row -> assertShowsDefault(row, flag));
            }
        }
    }

    private static void assertShowsDefault(String row, Flag<?> flag) {
        String shown = row.split("(?<!\\\\)\\|")[2].strip();
        if (flag.defaultValue() instanceof Number number) {
            assertThat(Double.parseDouble(shown)).as(row).isEqualTo(number.doubleValue());
        } else if (flag.defaultValue() != null && !(flag.defaultValue() instanceof Boolean)) {
            assertThat(shown).as(row).containsIgnoringCase(flag.defaultValue().toString());
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void commandLinesHaveOptionsThatExist(Path document) throws IOException {
        for (MatchResult line : matches(COMMAND_LINE, Files.readString(document))) {
            if (line.group(1).equals("COMMAND")) {
                continue;
            }
            Set<String> options = Main.COMMANDS.stream()
                    .filter(command -> command.name().equals(line.group(1)))
                    .flatMap(command -> command.flags().stream())
                    .map(Flag::name)
                    .collect(Collectors.toSet());
            assertThat(options).as(line.group().strip()).isNotEmpty();
            assertThat(matches(OPTION, line.group(2)).stream().map(option -> option.group(1)))
                    .as(line.group().strip())
                    .isSubsetOf(options);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"compose.hosts.yaml", "kubernetes/hosts.yaml", "kubernetes/tfjob.yaml"})
    void containersRunCommandsWithOptionsThatExist(String file) throws Exception {
        List<MatchResult> commands = matches(CONTAINER_COMMAND, Files.readString(Path.of("docker", file)));

        assertThat(commands).hasSizeGreaterThan(1);
        for (MatchResult match : commands) {
            String line = match.group(1) == null
                    ? match.group(2)
                    : match.group(1).replaceAll("\",? ?\"?", " ").strip();
            List<String> words = List.of(line.replaceFirst("^libretto ", "").split(" "));
            Command command = Main.COMMANDS.stream()
                    .filter(each -> each.name().equals(words.get(0)))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no command in " + line));
            assertThatCode(() -> Arguments.parse(command.flags(), false, words.subList(1, words.size())))
                    .as(line)
                    .doesNotThrowAnyException();
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void linksLeadToFilesAndHeadings(Path document) throws IOException {
        for (MatchResult link : matches(LINK, withoutCode(document))) {
            String target = link.group(1);
            if (target.matches("https?://.*")) {
                continue;
            }
            String[] parts = target.split("#", 2);
            Path file = parts[0].isEmpty() ? document : document.resolveSibling(parts[0]);
            assertThat(file).as(target).exists();
            if (parts.length > 1) {
                assertThat(anchors(file)).as(target).contains(parts[1]);
            }
        }
    }

    /** Comments and descriptions, which are translated, come after two or more spaces. */
    @ParameterizedTest
    @MethodSource("chineseDocuments")
    void chinesePagesHaveTheSameCodeAndSections(Path chinese) throws IOException {
        Path english = Path.of(chinese.toString().replace(".zh.md", ".md"));

        assertThat(code(chinese)).isEqualTo(code(english));
        assertThat(anchors(chinese)).hasSameSizeAs(anchors(english));
    }

    @Test
    void eachPageIsListedInTheReadme() throws IOException {
        assertThat(documents().stream()
                        .filter(page -> page.startsWith("docs"))
                        .map(page -> "(" + page + ")")
                        .filter(page -> !page.endsWith(".zh.md)")))
                .allSatisfy(page -> assertThat(Path.of("README.md")).content().contains(page));
        assertThat(chineseDocuments().stream()
                        .filter(page -> page.startsWith("docs"))
                        .map(page -> "(" + page + ")"))
                .allSatisfy(
                        page -> assertThat(Path.of("README.zh.md")).content().contains(page));
    }

    @Test
    void classesNamedForContributorsExist() throws IOException {
        Set<String> classes;
        try (Stream<Path> files = Files.walk(Path.of("src"))) {
            classes = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".java"))
                    .map(name -> name.replace(".java", ""))
                    .collect(Collectors.toSet());
        }
        assertThat(matches(CLASS, Files.readString(Path.of("CONTRIBUTING.md"))).stream()
                        .map(name -> name.group(1)))
                .isNotEmpty()
                .isSubsetOf(classes);
    }

    private static List<MatchResult> matches(Pattern pattern, String text) {
        return pattern.matcher(text).results().toList();
    }

    private static String withoutCode(Path document) throws IOException {
        return FENCED.matcher(Files.readString(document)).replaceAll("");
    }

    private static List<String> code(Path document) throws IOException {
        String text = Files.readString(document);
        Stream<String> fenced = matches(FENCED, text).stream()
                .map(MatchResult::group)
                .flatMap(String::lines)
                .map(line -> line.replaceAll(" {2,}#.*", ""));
        Stream<String> indented = FENCED.matcher(text)
                .replaceAll("")
                .lines()
                .filter(line -> line.startsWith("    "))
                .map(line -> line.strip().replaceAll(" {2,}.*", ""));
        return Stream.concat(fenced, indented).toList();
    }

    /** GitHub's anchors of headings. */
    private static Set<String> anchors(Path document) throws IOException {
        return matches(HEADING, withoutCode(document)).stream()
                .map(heading -> heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N}\\- ]", "")
                        .replace(' ', '-'))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
