"""Functions in C#, for the .NET runtime that `make test` fetches, by Mono's compiler.

That compiler fails on the assemblies of .NET 8, so it is given those of .NET Core 3.1, which 8 loads.

NuGet is not among the registries that the machines of these tests reach, so `CORE` stands for what a function's package
brings along of AWS's: the names and shapes of Amazon.Lambda.Core, and a serializer on System.Text.Json.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lambent.sandbox.languages.dotnet import DotNet
from lambent.sandbox.languages.language import Installation

BUILT = Path(__file__).parents[1] / "build/dotnet"
FETCHED = BUILT / "dnv/net/runtime/.net"
REFERENCES = BUILT / "dotnetcore2/bin/shared/Microsoft.NETCore.App"
RUNTIME = "dotnet8"
PRIVATE = ("System.Private.CoreLib.dll", "System.Private.Uri.dll")  # types of theirs are in the signatures of others
CORE = """
using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
namespace Amazon.Lambda.Core {
  public enum LogLevel { Trace, Debug, Information, Warning, Error, Critical }
  public interface ILambdaLogger {
    void Log(string text); void LogLine(string text); void LogWarning(string text);
    void Log(LogLevel level, string text);
    void Log(string level, string text); void LogInformation(string text, params object[] given);
    void LogError(Exception error, string text, params object[] given);
    void Log(LogLevel level, Exception error, string text, params object[] given);
  }
  public interface IClientApplication { string AppTitle { get; } string InstallationId { get; } }
  public interface IClientContext {
    IDictionary<string, string> Environment { get; } IClientApplication Client { get; }
    IDictionary<string, string> Custom { get; }
  }
  public interface ICognitoIdentity { string IdentityId { get; } }
  public interface ILambdaContext {
    string AwsRequestId { get; } string FunctionName { get; } string FunctionVersion { get; }
    string InvokedFunctionArn { get; } string LogGroupName { get; } int MemoryLimitInMB { get; }
    TimeSpan RemainingTime { get; } ILambdaLogger Logger { get; } IClientContext ClientContext { get; }
    ICognitoIdentity Identity { get; }
  }
  public interface ILambdaSerializer { T Deserialize<T>(Stream from); void Serialize<T>(T answer, Stream to); }
  [AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Method)]
  public class LambdaSerializerAttribute : Attribute {
    public LambdaSerializerAttribute(Type type) { SerializerType = type; }
    public Type SerializerType { get; set; }
  }
  public static class LambdaLogger {
    static Action<string> _loggingAction = text => Console.WriteLine("nobody set it: " + text);
    static Action<string, string, object[]> _loggingWithLevelAction = (_, text, given) => Console.WriteLine("nobody");
    public static void Log(string text) { _loggingAction(text); }
    public static void Log(LogLevel level, string text, params object[] given) {
      _loggingWithLevelAction(level.ToString(), text, given);
    }
  }
}
namespace Serialization {
  public class Json : Amazon.Lambda.Core.ILambdaSerializer {
    public T Deserialize<T>(Stream from) {
      using (var reader = new StreamReader(from)) return JsonSerializer.Deserialize<T>(reader.ReadToEnd());
    }
    public void Serialize<T>(T answer, Stream to) {
      using (var writer = new Utf8JsonWriter(to)) JsonSerializer.Serialize(writer, answer);
    }
  }
}
"""
FIT, UNFIT = re.compile(r"System\.|Microsoft\.Win32"), re.compile("Native|WindowsRuntime")
RUNTIME_CONFIG = """{"runtimeOptions": {
  "tfm": "net8.0", "framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"},
  "configProperties": {"System.Globalization.Invariant": true}
}}"""
Files = dict[str, str | bytes]


def installed() -> Installation | None:
    """The .NET 8 that is here, if what compiles for it is, too."""
    compiles = shutil.which("mcs") and REFERENCES.is_dir()
    root = os.environ.get("DOTNET_ROOT", str(FETCHED))
    return DotNet().find({"DOTNET_ROOT": root, "HOME": "/nonexistent"}).get(RUNTIME) if compiles else None


def package(source: str, kind: str = "library") -> Files:
    """The files of a function: `Function.dll` of `source`, and the library that it uses. An "exe" has what the host
    of programs wants to know beside it."""
    framework = next(REFERENCES.iterdir())
    names = sorted(
        each.name for each in framework.glob("*.dll") if FIT.match(each.name) and not UNFIT.search(each.name)
    )
    parts = [each for each in names if not each.startswith("System.Private") or each in PRIVATE]
    references = [f"-lib:{framework}", *(f"-r:{each}" for each in parts)]
    with tempfile.TemporaryDirectory() as folder:
        files: Files = {}
        for name, text, target in (("Amazon.Lambda.Core", CORE, "library"), ("Function", source, kind)):
            Path(folder, f"{name}.cs").write_text(text)
            others = [f"-r:{folder}/{other}" for other in files]
            options = [f"-target:{target}", "-nostdlib", "-noconfig", "-langversion:latest", "-nowarn:1702"]
            command = ["mcs", *options, f"-out:{name}.dll", *references, *others, f"{name}.cs"]
            said = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
            assert said.returncode == 0, said.stdout + said.stderr
            files[f"{name}.dll"] = Path(folder, f"{name}.dll").read_bytes()
    if kind == "exe":
        files["Function.runtimeconfig.json"] = RUNTIME_CONFIG
    return files
