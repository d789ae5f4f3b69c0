package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.CharModel;
import dev.libretto.TextScore;
import dev.libretto.generate.Sampler;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class CompletionsTest {
    private static final String PATH = "/v1/completions";

    @TempDir
    private static Path folder;

    private static Path text;
    private static TestServer server;

    @BeforeAll
    static void start() throws Exception {
        Path corpus = Files.writeString(
                folder.resolve("text.txt"), "the quick 狐狸 fox jumps 𝄞 over\nthe lazy dog. ".repeat(20));
        Path words = Files.writeString(folder.resolve("words.txt"), "one\ntwo\nthree\nfour\n".repeat(20));
        text = TestServer.train(folder.resolve("text"), "--corpus", corpus.toString(), "--keep-newlines");
        Path documents =
                TestServer.train(folder.resolve("words"), "--corpus", words.toString(), "--documents", "lines");
        server = TestServer.of(text, documents);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode complete(String json) throws Exception {
        return server.answer(PATH, json.replaceFirst("\\{", "{'model': 'text', "));
    }

    private static HttpResponse<String> post(String json) throws Exception {
        return server.post(PATH, json.replaceFirst("\\{", "{'model': 'text', "));
    }

    private static String textOf(JsonNode answer) {
        return answer.at("/choices/0/text").textValue();
    }

    @Test
    void writesWhatTheLibraryWritesForTheSameSeed() throws Exception {
        JsonNode answer = complete("{'prompt': 'the', 'max_tokens': 40, 'temperature': 0.8, 'seed': 7, 'echo': true}");
        try (CharModel model = CharModel.open(text)) {
            StringBuilder written = new StringBuilder("the");
            model.write("the", 40, Sampler.temperature(0.8), 7, written::append);
            assertThat(textOf(answer)).isEqualTo(written.toString());
        }
        assertThat(answer.at("/usage").toString())
                .isEqualTo("{\"prompt_tokens\":3,\"completion_tokens\":40,\"total_tokens\":43}");
        assertThat(answer.at("/choices/0/finish_reason").textValue()).isEqualTo("length");
        assertThat(answer.get("object").textValue()).isEqualTo("text_completion");
        assertThat(answer.get("model").textValue()).isEqualTo("text");
    }

    @Test
    void seedOfTheAnswerWritesTheSameAgain() throws Exception {
        JsonNode first = complete("{'prompt': 'the', 'max_tokens': 30}");
        JsonNode again = complete("{'prompt': 'the', 'max_tokens': 30, 'seed': " + first.get("seed") + "}");
        assertThat(textOf(again)).isEqualTo(textOf(first));
    }

    @Test
    void choicesAreInTheOrderOfPromptsAndSamples() throws Exception {
        JsonNode answer = complete("{'prompt': ['the', 'fox'], 'n': 2, 'max_tokens': 5, 'seed': 1, 'echo': true}");
        List<String> texts = new ArrayList<>();
        answer.get("choices")
                .forEach(choice -> texts.add(
                        choice.get("index") + choice.get("text").textValue().substring(0, 3)));
        assertThat(texts).containsExactly("0the", "1the", "2fox", "3fox");
    }

    /** Clients count code points, also of characters that need two units in UTF-16. */
    @Test
    void textOffsetsCountCodePoints() throws Exception {
        JsonNode logprobs = complete("{'prompt': '𝄞𝄞t', 'max_tokens': 2, 'logprobs': 3, 'echo': true}")
                .at("/choices/0/logprobs");
        assertThat(logprobs.get("text_offset").toString()).isEqualTo("[0,1,2,3,4]");
        assertThat(logprobs.get("tokens").get(0).textValue()).isEqualTo("𝄞");
        assertThat(logprobs.get("token_logprobs").get(0).isNull()).isTrue();
        assertThat(logprobs.get("top_logprobs").get(1).size()).isBetween(3, 4);

        JsonNode withoutEcho =
                complete("{'prompt': '𝄞𝄞t', 'max_tokens': 2, 'logprobs': 0}").at("/choices/0/logprobs");
        assertThat(withoutEcho.get("text_offset").toString()).isEqualTo("[3,4]");
        assertThat(withoutEcho.get("token_logprobs").get(0).isNumber()).isTrue();
        assertThat(withoutEcho.get("top_logprobs").get(0).isNull()).isTrue();
    }

    @Test
    void streamHasTheSameCharactersAsAWholeAnswer() throws Exception {
        String request = "{'prompt': ['the', 'q'], 'n': 2, 'max_tokens': 50, 'seed': 3, 'logprobs': 1, 'echo': true";
        JsonNode whole = complete(request + "}");
        HttpResponse<String> response = post(request + ", 'stream': true, 'stream_options': {'include_usage': true}}");

        assertThat(response.headers().firstValue("Content-Type")).hasValue("text/event-stream; charset=utf-8");
        assertThat(response.body()).endsWith("\n\ndata: [DONE]\n\n");
        List<JsonNode> events = TestServer.events(response.body());
        for (JsonNode choice : whole.get("choices")) {
            List<JsonNode> parts = events.stream()
                    .map(event -> event.at("/choices/0"))
                    .filter(part ->
                            part.path("index").asInt(-1) == choice.get("index").intValue())
                    .toList();
            assertThat(parts.stream().map(part -> part.get("text").textValue()).collect(Collectors.joining()))
                    .isEqualTo(choice.get("text").textValue());
            List<String> offsets = new ArrayList<>();
            parts.forEach(part -> part.at("/logprobs/text_offset").forEach(offset -> offsets.add(offset.toString())));
            List<String> expected = new ArrayList<>();
            choice.at("/logprobs/text_offset").forEach(offset -> expected.add(offset.toString()));
            assertThat(offsets).isEqualTo(expected);
            assertThat(parts.get(parts.size() - 1).get("finish_reason").textValue())
                    .isEqualTo("length");
        }
        assertThat(events.get(events.size() - 1).get("usage")).isEqualTo(whole.get("usage"));
        assertThat(events.get(events.size() - 1).get("choices")).isEmpty();
    }

    @Test
    void stopTextEndsAndIsLeftOut() throws Exception {
        String all = textOf(complete("{'prompt': 'the', 'max_tokens': 60, 'seed': 5}"));
        String stop = all.substring(20, 22);
        JsonNode answer = complete(
                "{'prompt': 'the', 'max_tokens': 60, 'seed': 5, 'stop': ['ZZZ', '" + stop.replace("\n", "\\n") + "']}");
        assertThat(textOf(answer)).isEqualTo(all.substring(0, all.indexOf(stop)));
        assertThat(answer.at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
    }

    @Test
    void modelOfDocumentsBeginsAndEndsOnes() throws Exception {
        JsonNode answer = server.answer(PATH, "{'model': 'words', 'max_tokens': 5000, 'seed': 1}");
        assertThat(answer.at("/choices/0/finish_reason").textValue()).isEqualTo("stop");
        assertThat(answer.at("/usage/prompt_tokens").intValue()).isZero();
    }

    @Test
    void unknownCharactersAreSkippedIfAskedFor() throws Exception {
        JsonNode answer = complete("{'prompt': 'Xt中he', 'unknown': 'skip', 'max_tokens': 0, 'echo': true}");
        assertThat(textOf(answer)).isEqualTo("the");
    }

    @Test
    void samplersOfGenerateAreThere() throws Exception {
        JsonNode answer = complete(
                "{'prompt': 'the', 'max_tokens': 50, 'allow': 'th', 'forbid': 'h', 'top_k': 3, 'min_p': 0.1,"
                        + "'top_p': 0.9, 'repetition_penalty': 1.2, 'repeat_last_n': -1, 'seed': 1, 'logit_bias': {'t': 2, 'e': false}}");
        assertThat(textOf(answer)).isEqualTo("t".repeat(50));
        JsonNode varied = complete("{'prompt': 'the', 'max_tokens': 50, 'no_repeat_ngram_size': 1, 'temperature': 0}");
        assertThat(textOf(varied).chars().distinct().count())
                .isEqualTo(textOf(varied).length());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "prompt | {'prompt': 'tXe'} | prompt: the model does not know 'X' (U+0058), character 2; remove it, or add \"unknown\": \"skip\"",
                "prompt | {'prompt': ['the', 't\\ud800']} | prompt 1: the model does not know U+D800, character 2",
                "prompt | {'n': 1} | prompt is empty; this model needs at least one character",
                "prompt | {'prompt': null} | prompt is empty",
                "prompt | {'prompt': []} | prompt is an empty array",
                "prompt | {'prompt': [1, 2]} | prompt has tokens as numbers, which are not supported",
                "prompt | {'prompt': [[1]]} | prompt has tokens as numbers",
                "prompt | {'prompt': {}} | prompt must be a string or an array of at most 1024 strings (got {})",
                "prompt | {'prompt': 'X', 'unknown': 'skip'} | prompt has no character that the model knows",
                "suffix | {'prompt': 't', 'suffix': 'x'} | suffix is not supported",
                "best_of | {'prompt': 't', 'best_of': 2} | best_of is not supported",
                "presence_penalty | {'prompt': 't', 'presence_penalty': 0.1} | presence_penalty is not supported",
                "frequency_penalty | {'prompt': 't', 'frequency_penalty': -1} | frequency_penalty is not supported",
                "max_tokens | {'prompt': 't', 'max_tokens': 20001} | max_tokens must be an integer from 0 to 20000 (got 20001)",
                "max_tokens | {'prompt': 't', 'max_tokens': 1.5} | max_tokens must be an integer",
                "max_tokens | {'prompt': 't', 'max_tokens': '5'} | max_tokens must be an integer",
                "max_tokens | {'prompt': 't', 'max_tokens': 1e400} | max_tokens must be an integer",
                "temperature | {'prompt': 't', 'temperature': 1e39} | temperature must be a number from -3.4e38 to 3.4e38 (got",
                "temperature | {'prompt': 't', 'temperature': 1e400} | temperature must be a number from -3.4e38 to 3.4e38 (got",
                "logit_bias | {'prompt': 't', 'logit_bias': {'t': -1e39}} | logit_bias must have numbers from -3.4e38 to 3.4e38 (got",
                "max_tokens | {'prompt': 't', 'max_tokens': 99999999999999999999} | max_tokens must be an integer",
                "logprobs | {'prompt': 't', 'max_tokens': 20000, 'logprobs': 100} | characters of the answer × (1 + logprobs) is 2,020,000, but this server allows at most 1,048,576",
                "max_tokens | {'prompt': ['t', 'h'], 'n': 2, 'max_tokens': 5001} | max_tokens × n × prompts is 20,004, but this server allows at most 20,000",
                "n | {'prompt': ['t', 'h', 'e'], 'n': 5} | n × prompts is 15, but this server allows at most 12",
                "n | {'prompt': 't', 'n': 0} | n must be an integer from 1 to 12 (got 0)",
                "temperature | {'prompt': 't', 'temperature': -1} | temperature must be a number of at least 0 (got -1)",
                "temperature | {'prompt': 't', 'temperature': 1e999} | temperature must be a number",
                "temperature | {'prompt': 't', 'temperature': true} | temperature must be a number",
                "top_p | {'prompt': 't', 'top_p': 0} | top_p must be greater than 0 and at most 1",
                "repetition_penalty | {'prompt': 't', 'repetition_penalty': 0} | repetition_penalty must be a number greater than 0",
                "logprobs | {'prompt': 't', 'logprobs': 101} | logprobs must be an integer from 0 to 100",
                "logprobs | {'prompt': 't', 'logprobs': true} | logprobs must be an integer",
                "echo | {'prompt': 't', 'echo': 1} | echo must be true or false (got 1)",
                "stop | {'prompt': 't', 'stop': ''} | stop has an empty text",
                "stop | {'prompt': 't', 'stop': [5]} | stop must be a string or an array of at most 16 strings",
                "stream_options | {'prompt': 't', 'stream_options': {'include_usage': true}} | stream_options has no effect without",
                "include | {'prompt': 't', 'stream': true, 'stream_options': {'include': true}} | unknown field include",
                "forbid | {'prompt': 't', 'forbid': 'X'} | forbid: 'X' (U+0058) is not in the vocabulary; the model never writes it",
                "logit_bias | {'prompt': 't', 'logit_bias': {'t': 'x'}} | logit_bias must be",
                "logit_bias | {'prompt': 't', 'logit_bias': []} | logit_bias must be an object",
                "allow | {'prompt': 't', 'allow': 't', 'forbid': 't'} | no character is left to write",
                "unknown | {'prompt': 't', 'unknown': 'drop'} | unknown must be",
                "temperatur | {'prompt': 't', 'temperatur': 1} | unknown field temperatur; remove it",
                "seed | {'prompt': 't', 'seed': 1.5} | seed must be an integer",
            })
    void wrongFieldIsNamed(String field, String body, String message) throws Exception {
        HttpResponse<String> response = post(body);
        assertThat(response.statusCode()).isEqualTo(400);
        JsonNode error = TestServer.json(response).get("error");
        assertThat(error.get("message").textValue()).startsWith(message);
        assertThat(error.get("param").textValue()).isEqualTo(field);
        assertThat(error.get("type").textValue()).isEqualTo("invalid_request_error");
    }

    @Test
    void longStopTextIsRefused() throws Exception {
        HttpResponse<String> response = post("{'prompt': 't', 'stop': ['t', '" + "t".repeat(1001) + "']}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(TestServer.json(response).at("/error/message").textValue())
                .isEqualTo("stop has 1,001 characters, but this server reads at most 1,000; shorten it");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | the body is not a JSON object",
                "[] | the body is not a JSON object",
                "null | the body is not a JSON object",
                "{ | the body is not JSON",
                "{'model': 'text'} x | the body is not JSON",
                "{'model': 'text', 'model': 'words'} | the body is not JSON",
                "{'a': [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]} | the body is not JSON",
                "{'prompt': 't'} | model is missing; name one of text, words",
            })
    void wrongBodyIsRefused(String body, String message) throws Exception {
        HttpResponse<String> response = server.post(PATH, body);
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(TestServer.json(response).at("/error/message").textValue()).startsWith(message);
    }

    @Test
    void unknownModelIsNotFound() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{'model': 'no\\n" + "v".repeat(1000) + "', 'prompt': 't'}");
        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(TestServer.json(response).at("/error/message").textValue())
                .startsWith("there is no model no?vvv")
                .endsWith("…; name one of text, words");
        assertThat(TestServer.json(response).at("/error/code").textValue()).isEqualTo("model_not_found");
    }

    @Test
    void scoresAreThoseOfTheLibrary() throws Exception {
        JsonNode data = server.answer(
                        "/v1/score", "{'model': 'text', 'input': ['the fox', 'X the', 't', 'XY'], 'logprobs': 2}")
                .get("data");
        try (CharModel model = CharModel.open(text)) {
            List<TextScore> scores = model.score(List.of("the fox", "X the", "t", "XY"));
            for (int i = 0; i < scores.size(); i++) {
                assertThat(data.get(i).get("characters").intValue())
                        .isEqualTo(scores.get(i).predicted());
                assertThat(data.get(i).get("unknown").intValue())
                        .isEqualTo(scores.get(i).unknown());
                // Two graphs of the same equations; each float32 log-probability is rounded differently in the last
                // digits.
                assertThat(data.get(i).get("log_probability").doubleValue())
                        .isCloseTo(scores.get(i).logProbability(), within(1e-4));
            }
        }
        assertThat(data.get(1).at("/logprobs/tokens").toString()).isEqualTo("[\"X\",\" \",\"t\",\"h\",\"e\"]");
        assertThat(data.get(1).at("/logprobs/token_logprobs").get(1).isNull()).isTrue();
        assertThat(data.get(1).at("/logprobs/token_logprobs").get(2).isNumber()).isTrue();
    }

    @Test
    void echoCountsForEachSample() throws Exception {
        String request = "{'prompt': '" + "t".repeat(1000) + "', 'echo': true, 'max_tokens': 0, 'n': 12, 'logprobs': ";
        assertThat(post(request + "86}").statusCode()).isEqualTo(200);
        HttpResponse<String> tooMany = post(request + "87}");
        assertThat(tooMany.statusCode()).isEqualTo(400);
        assertThat(TestServer.json(tooMany).at("/error/message").textValue())
                .startsWith("characters of the answer × (1 + logprobs) is 1,056,000");
    }

    @Test
    void scoresOfTooManyCharactersAreRefused() throws Exception {
        String texts = String.join("', '", Collections.nCopies(12, "t".repeat(1000)));
        HttpResponse<String> response =
                server.post("/v1/score", "{'model': 'text', 'input': ['" + texts + "'], 'logprobs': 100}");
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(TestServer.json(response).at("/error/param").textValue()).isEqualTo("logprobs");
    }

    @Test
    void scoreOfADocumentHasItsEnd() throws Exception {
        JsonNode score = server.answer("/v1/score", "{'model': 'words', 'input': 'one', 'logprobs': 0}")
                .at("/data/0");
        assertThat(score.get("characters").intValue()).isEqualTo(4);
        assertThat(score.at("/logprobs/tokens").toString()).isEqualTo("[\"o\",\"n\",\"e\",\"\"]");
    }

    @Test
    void continuedTextIsNotReadAgain() throws Exception {
        String begun =
                textOf(complete("{'prompt': 'the lazy dog. the lazy', 'max_tokens': 30, 'seed': 2, 'echo': true}"));
        double read = server.metric("libretto_characters_read_total");
        complete("{'prompt': '" + begun.replace("\n", "\\n") + "t', 'max_tokens': 1}");
        assertThat(server.metric("libretto_characters_read_total") - read).isLessThanOrEqualTo(2);
    }
}
